//! Who reads which part of the log of what was sent.

use crate::bench::{Bench, NOTIFICATIONS, confirmed};
use contract::ErrorCode;
use contract::identity::Role;
use contract::notifications::{Delivery, Notification, NotificationState, NotificationsClient};
use testkit::{Engine, on_both_engines};

async fn everybody_reads_their_own_log_and_staff_reads_others(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person("ada", &[Role::User]), bench.person("eve", &[Role::User, Role::Vendor]));
    let admin = bench.person("admin", &[Role::User, Role::Admin]);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_mailed(&ada.email, 1).await;
    let log: Vec<Notification> = ada.client.get(NOTIFICATIONS).await.expect(200).data();
    let [message] = &log[..] else { panic!("{log:?}") };
    assert_eq!((message.state, message.delivery), (NotificationState::Mailed, Some(Delivery::Stored)));
    assert!(message.order.is_some() && message.settled_at.is_some());
    assert_eq!((message.user, message.text.as_deref()), (Some(ada.id), None), "a list has no texts");
    let at = format!("{NOTIFICATIONS}/{}", message.id);
    let whole: Notification = ada.client.get(&at).await.expect(200).data();
    assert!(whole.text.unwrap().starts_with("Hello ada,"));
    // Others see nothing of it.
    let of_ada = format!("{NOTIFICATIONS}?user={}", ada.id);
    eve.client.get(&at).await.expect(404).refused(ErrorCode::NotFound);
    eve.client.get(&of_ada).await.expect(403).refused(ErrorCode::Forbidden);
    assert!(eve.client.get(NOTIFICATIONS).await.expect(200).data::<Vec<Notification>>().is_empty());
    bench.service.client().get(&at).await.expect(401).refused(ErrorCode::Unauthenticated);
    bench.service.client().get(NOTIFICATIONS).await.expect(401).refused(ErrorCode::Unauthenticated);
    // Staff does.
    assert_eq!(admin.client.get(&of_ada).await.expect(200).data::<Vec<Notification>>(), log);
    admin.client.get(&at).await.expect(200);
    assert!(admin.client.get(NOTIFICATIONS).await.expect(200).data::<Vec<Notification>>().is_empty());
    // A service has no log of its own.
    let peer = bench.service.assembled().shared().peer("notifications").unwrap();
    assert!(NotificationsClient::new(peer.caller()).newest(5).await.is_err());
}

async fn the_log_is_read_a_page_after_the_other(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    for _ in 0..5 {
        bench.publish(&confirmed(ada.id)).await;
    }
    bench.until_mailed(&ada.email, 5).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.client.get(&format!("{NOTIFICATIONS}?limit=2{cursor}")).await.expect(200);
        seen.extend(page.data::<Vec<Notification>>().into_iter().map(|message| message.id));
        match page.json()["pagination"]["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    for wrong in ["cursor=x", "limit=0", "kind=SECRET", "address=all"] {
        let path = format!("{NOTIFICATIONS}?{wrong}");
        ada.client.get(&path).await.expect(400).refused(ErrorCode::Validation);
    }
}

async fn what_has_been_kept_long_enough_is_removed_and_what_waits_stays(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_mailed(&ada.email, 1).await;
    bench.issuer.silence(true);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_counted("SELECT COUNT(*) FROM job WHERE last_outcome = 'retry'", 1).await;
    bench.pass(401 * 86_400);
    bench.until_counted("SELECT COUNT(*) FROM notification", 1).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM notification WHERE state = 'QUEUED'").await, 1);
}

on_both_engines!(
    everybody_reads_their_own_log_and_staff_reads_others,
    the_log_is_read_a_page_after_the_other,
    what_has_been_kept_long_enough_is_removed_and_what_waits_stays,
);
