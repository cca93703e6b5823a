//! What somebody does not want to be told is not told, and what belongs to a purchase always is.

use crate::bench::{Bench, NOTIFICATIONS, confirmed};
use contract::ErrorCode;
use contract::identity::Role;
use contract::notifications::{Notification, NotificationKind, NotificationState, Preference};
use contract::orders::OrderShipped;
use serde_json::json;
use testkit::{Engine, on_both_engines};

fn preferences() -> String {
    format!("{NOTIFICATIONS}/preferences")
}

fn off(preferences: &[Preference]) -> Vec<NotificationKind> {
    preferences.iter().filter(|one| !one.enabled).map(|one| one.kind).collect()
}

async fn what_is_turned_off_is_not_sent_and_the_log_says_so(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob) = (bench.person("ada", &[Role::User]), bench.person("bob", &[Role::User]));
    let all: Vec<Preference> = ada.client.get(&preferences()).await.expect(200).data();
    assert_eq!(all.len(), NotificationKind::ALL.len());
    assert!(off(&all).is_empty());
    let body = json!({"preferences": [{"kind": "ORDER_SHIPPED", "enabled": false}]});
    let set: Vec<Preference> = ada.client.put(&preferences(), body).await.expect(200).data();
    assert_eq!(off(&set), [NotificationKind::OrderShipped]);
    // It is ada's own.
    assert!(off(&bob.client.get(&preferences()).await.expect(200).data::<Vec<Preference>>()).is_empty());
    for person in [&ada, &bob] {
        let order = confirmed(person.id);
        bench.publish(&order).await;
        let (order, user, number) = (order.order, person.id, order.number);
        let (carrier, tracking_number) = ("Post".to_owned(), "1".to_owned());
        bench.publish(&OrderShipped { order, user, number, carrier, tracking_number }).await;
    }
    bench.until_quiet(4).await;
    assert_eq!(bench.mail_to(&ada.email).await.len(), 1);
    assert_eq!(bench.mail_to(&bob.email).await.len(), 2);
    let skipped = format!("{NOTIFICATIONS}?state=SKIPPED");
    let log: Vec<Notification> = ada.client.get(&skipped).await.expect(200).data();
    assert_eq!((log.len(), log[0].kind), (1, NotificationKind::OrderShipped));
    assert_eq!((log[0].state, log[0].why.as_deref()), (NotificationState::Skipped, Some("turned off")));
    let on = json!({"preferences": [{"kind": "ORDER_SHIPPED", "enabled": true}]});
    assert!(off(&ada.client.put(&preferences(), on).await.expect(200).data::<Vec<Preference>>()).is_empty());
}

async fn what_belongs_to_a_purchase_cannot_be_turned_off(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    let wanted = json!({"preferences": [
        {"kind": "ORDER_SHIPPED", "enabled": false},
        {"kind": "PAYMENT_RECEIPT", "enabled": false},
    ]});
    let refused = ada.client.put(&preferences(), wanted).await.expect(400);
    let details = refused.refused(ErrorCode::Validation).error.details;
    assert_eq!(details[0].field, "preferences[1].enabled");
    // Nothing of it was taken.
    assert!(off(&ada.client.get(&preferences()).await.expect(200).data::<Vec<Preference>>()).is_empty());
    let unknown = json!({"preferences": [{"kind": "PASSWORD_RESET", "enabled": false}]});
    ada.client.put(&preferences(), unknown).await.expect(400).refused(ErrorCode::Validation);
    bench.service.client().get(&preferences()).await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn a_change_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    let set = |enabled: bool, key: &'static str| {
        let body = json!({"preferences": [{"kind": "WELCOME", "enabled": enabled}]});
        let client = ada.client.clone();
        async move {
            let request = client.request(http::Method::PUT, &preferences());
            request.header("idempotency-key", key).json(body).send().await.expect(200)
        }
    };
    set(false, "first").await;
    set(true, "second").await;
    let again = set(false, "first").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert!(off(&ada.client.get(&preferences()).await.expect(200).data::<Vec<Preference>>()).is_empty());
}

on_both_engines!(
    what_is_turned_off_is_not_sent_and_the_log_says_so,
    what_belongs_to_a_purchase_cannot_be_turned_off,
    a_change_that_is_sent_twice_takes_effect_once,
);
