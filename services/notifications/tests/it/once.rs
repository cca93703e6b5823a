//! Each letter once: events that come again, jobs that run twice, services that are away.

use crate::bench::{Bench, captured, confirmed, created};
use chassis::db::q;
use contract::identity::Role;
use contract::ids::OrderId;
use testkit::{Engine, on_both_engines};
use uuid::Uuid;

async fn an_event_that_comes_again_is_told_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    let (order, paid) = (confirmed(ada.id), captured(OrderId::new()));
    let (first, second) = (bench.publish(&order).await, bench.publish(&paid).await);
    let owner = bench.publish(&created(paid.order, ada.id)).await;
    bench.until_mailed(&ada.email, 2).await;
    // The bus delivers them again, and then their publisher says them again under other ids.
    for _ in 0..3 {
        bench.publish_as(first, &order).await;
        bench.publish_as(second, &paid).await;
        bench.publish_as(owner, &created(paid.order, ada.id)).await;
    }
    for _ in 0..2 {
        bench.publish(&order).await;
        bench.publish(&paid).await;
        bench.publish(&created(paid.order, ada.id)).await;
    }
    bench.until_quiet(3 + 6).await;
    assert_eq!(bench.mail_to(&ada.email).await.len(), 2);
    assert_eq!(bench.count("SELECT COUNT(*) FROM notification").await, 2);
    bench.holds().await;
}

async fn a_job_that_runs_many_times_at_once_sends_one_mail(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    // Auth is away, so the message waits and its job is tried again.
    bench.issuer.silence(true);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_counted("SELECT COUNT(*) FROM job WHERE last_outcome = 'retry'", 1).await;
    assert!(bench.mail_to(&ada.email).await.is_empty());
    bench.holds().await;
    let db = bench.service.db("notifications");
    for _ in 0..12 {
        let copy = "INSERT INTO job (id, name, payload, status, due_at, created_at) SELECT $1, name, payload, 'waiting', \
            due_at, created_at FROM job WHERE name = 'send-notification' AND last_outcome = 'retry'";
        assert_eq!(q!(db.write, execute, copy, Uuid::now_v7()).unwrap(), 1);
    }
    bench.issuer.silence(false);
    bench.pass(120);
    bench.until_quiet(1).await;
    assert_eq!(
        bench.count("SELECT COUNT(*) FROM job WHERE name = 'send-notification' AND status = 'done'").await,
        13
    );
    assert_eq!(bench.mail_to(&ada.email).await.len(), 1);
    bench.holds().await;
}

async fn a_message_goes_to_the_address_of_the_time_when_it_is_written(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    bench.issuer.silence(true);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_counted("SELECT COUNT(*) FROM job WHERE last_outcome = 'retry'", 1).await;
    bench.introduce(ada.id, "countess", true);
    bench.issuer.silence(false);
    bench.pass(120);
    let mail = bench.until_mailed("countess@example.org", 1).await;
    assert!(mail[0].body_text.starts_with("Hello countess,"), "{mail:?}");
    assert!(bench.mail_to(&ada.email).await.is_empty());
}

on_both_engines!(
    an_event_that_comes_again_is_told_once,
    a_job_that_runs_many_times_at_once_sends_one_mail,
    a_message_goes_to_the_address_of_the_time_when_it_is_written,
);
