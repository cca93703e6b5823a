//! The outbox of mail, on both engines, with and without a mail server.

mod server;

use crate::engines::{Place, on_both_engines};
use chassis::clock::{Clock, Ts};
use chassis::http::Page;
use chassis::mail::{Mail, MailConfig, MailRecord, MailStatus, Mailer};
use chassis::stop::{self, Stopper};
use metrics_exporter_prometheus::PrometheusBuilder;
use server::MailServer;
use std::time::Duration;
use testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

const LINK: &str = "https://example.org/reset?token=s3cr3t-once";

fn mail(subject: &str) -> Mail {
    let text = format!("Set a new password here:\n{LINK}\n");
    Mail { to: "Ann <ann@example.org>".to_owned(), subject: subject.to_owned(), text, kind: "reset_password" }
}

fn clock() -> Clock {
    Clock::manual(Ts::from_secs(1_767_225_600))
}

fn config(server: Option<&MailServer>) -> MailConfig {
    let smtp_url = server.map(|server| server.url.as_str().into());
    MailConfig { smtp_url, poll_ms: 20, max_attempts: 3, ..MailConfig::default() }
}

/// An outbox, and workers that send from it until this is dropped.
struct Outbox {
    mailer: Mailer,
    db: chassis::db::Db,
    clock: Clock,
    stopper: Stopper,
    workers: JoinSet<()>,
}

impl Outbox {
    async fn open(place: &Place, server: Option<&MailServer>, workers: usize) -> Self {
        Self::with(place, config(server), workers).await
    }

    async fn with(place: &Place, config: MailConfig, workers: usize) -> Self {
        let (db, clock) = (place.migrated().await, clock());
        let mailer = Mailer::new(config, db.clone(), clock.clone()).unwrap();
        let (stopper, stop) = stop::channel();
        let mut running = JoinSet::new();
        for _ in 0..workers {
            let (mailer, stop) = (mailer.clone(), stop.clone());
            running.spawn(async move { mailer.deliver_until(stop).await });
        }
        Self { mailer, db, clock, stopper, workers: running }
    }

    async fn enqueue(&self, mail: Mail) -> Uuid {
        let mut t = self.db.begin().await.unwrap();
        let id = self.mailer.enqueue(&mut t, mail).await.unwrap();
        t.commit().await.unwrap();
        id
    }

    async fn get(&self, id: Uuid) -> MailRecord {
        self.mailer.get(id).await.unwrap().unwrap()
    }

    /// The mail once its try has failed with an error that holds this.
    async fn meets(&self, id: Uuid, error: &str) -> MailRecord {
        eventually(|| async {
            let found = self.get(id).await;
            if found.last_error.as_ref().is_some_and(|last| last.contains(error)) {
                Ok(found)
            } else {
                Err(found)
            }
        })
        .await
    }

    /// The mail once it is in this state after this many attempts.
    async fn reaches(&self, id: Uuid, status: MailStatus, attempts: i64) -> MailRecord {
        eventually(|| async {
            let found = self.get(id).await;
            if (found.status, found.attempts) == (status, attempts) { Ok(found) } else { Err(found) }
        })
        .await
    }
}

on_both_engines! {
    async fn a_mail_exists_only_when_its_transaction_is_committed(place: Arc<Place>) {
        let outbox = Outbox::open(&place, None, 0).await;
        let mut t = outbox.db.begin().await.unwrap();
        let undone = outbox.mailer.enqueue(&mut t, mail("Undone")).await.unwrap();
        t.rollback().await.unwrap();
        assert_eq!(outbox.mailer.get(undone).await.unwrap(), None);
        let done = outbox.enqueue(mail("Done")).await;
        assert_eq!(outbox.get(done).await.subject, "Done");
    }

    async fn without_a_server_mail_is_stored_with_its_text_and_listed_newest_first(place: Arc<Place>) {
        let outbox = Outbox::open(&place, None, 1).await;
        for subject in ["First", "Second", "Third"] {
            outbox.enqueue(mail(subject)).await;
            outbox.clock.advance(Duration::from_secs(1));
        }
        let (page, total) = outbox.mailer.list(Page::new(1, 2)).await.unwrap();
        assert_eq!(total, 3);
        assert_eq!(page.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["Third", "Second"]);
        assert!(page.iter().all(|mail| mail.status == MailStatus::Stored && mail.text.contains(LINK)));
        let (rest, _) = outbox.mailer.list(Page::new(2, 2)).await.unwrap();
        assert_eq!(rest.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["First"]);
    }

    async fn a_sent_mail_arrives_whole_and_loses_its_text(place: Arc<Place>) {
        let server = MailServer::start().await;
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Your password")).await;
        let sent = outbox.reaches(id, MailStatus::Sent, 1).await;
        assert_eq!((sent.text.as_str(), sent.sent_at), ("", Some(outbox.clock.now())));
        let [arrived] = server.accepted().try_into().unwrap();
        for expected in ["Subject: Your password", "ann@example.org", &format!("Message-ID: <{id}@localhost>"), LINK] {
            assert!(arrived.contains(expected), "{expected} is not in {arrived}");
        }
    }

    async fn new_mail_is_sent_without_waiting_for_the_next_look(place: Arc<Place>) {
        let server = MailServer::start().await;
        let never = MailConfig { poll_ms: 600_000, ..config(Some(&server)) };
        let outbox = Outbox::with(&place, never, 1).await;
        for subject in ["One", "Two"] {
            let id = outbox.enqueue(mail(subject)).await;
            outbox.reaches(id, MailStatus::Sent, 1).await;
        }
    }

    async fn a_mail_is_tried_again_after_a_pause_when_the_server_says_later(place: Arc<Place>) {
        let server = MailServer::start().await;
        server.answer(&["451 try later"]);
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Patience")).await;
        let waiting = outbox.meets(id, "try later").await;
        assert_eq!((waiting.status, waiting.attempts), (MailStatus::Pending, 1));
        assert!(waiting.due_at >= outbox.clock.now() + Duration::from_secs(10));
        assert!(waiting.text.contains(LINK));
        outbox.clock.advance(Duration::from_secs(60));
        outbox.reaches(id, MailStatus::Sent, 2).await;
        assert_eq!(server.accepted().len(), 1);
    }

    async fn a_mail_is_given_up_after_so_many_attempts(place: Arc<Place>) {
        let server = MailServer::start().await;
        server.answer(&["451 not now", "451 nor then", "451 never"]);
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Hopeless")).await;
        for answer in ["not now", "nor then"] {
            assert_eq!(outbox.meets(id, answer).await.status, MailStatus::Pending);
            outbox.clock.advance(Duration::from_secs(7_200));
        }
        let failed = outbox.reaches(id, MailStatus::Failed, 3).await;
        assert_eq!(failed.text, "");
        assert!(failed.last_error.unwrap().contains("never"));
        assert_eq!(server.accepted().len(), 0);
    }

    async fn an_address_that_the_server_refuses_is_given_up_at_once(place: Arc<Place>) {
        let server = MailServer::start().await;
        server.answer(&["550 no such user"]);
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Nobody")).await;
        outbox.reaches(id, MailStatus::Failed, 1).await;
    }

    async fn a_server_that_does_not_know_us_costs_no_mail(place: Arc<Place>) {
        let server = MailServer::start().await;
        server.answer(&["530 authentication required"]);
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Wrong password")).await;
        assert_eq!(outbox.meets(id, "530").await.status, MailStatus::Pending);
    }

    async fn an_address_that_cannot_be_one_does_not_hold_up_the_others(place: Arc<Place>) {
        let server = MailServer::start().await;
        let outbox = Outbox::open(&place, Some(&server), 1).await;
        let bad = outbox.enqueue(Mail { to: "not an address".to_owned(), ..mail("Bad") }).await;
        let good = outbox.enqueue(mail("Good")).await;
        outbox.reaches(bad, MailStatus::Failed, 1).await;
        outbox.reaches(good, MailStatus::Sent, 1).await;
    }

    async fn two_workers_share_the_outbox_and_send_each_mail_once(place: Arc<Place>) {
        let server = MailServer::start().await;
        let outbox = Outbox::open(&place, Some(&server), 2).await;
        let mut ids = Vec::new();
        for place in 0..30 {
            ids.push(outbox.enqueue(mail(&format!("Number {place}"))).await);
        }
        for id in ids {
            outbox.reaches(id, MailStatus::Sent, 1).await;
        }
        assert_eq!(server.accepted().len(), 30);
    }

    async fn a_mail_whose_worker_died_is_sent_by_another_after_the_lease(place: Arc<Place>) {
        let server = MailServer::start().await;
        let outbox = Outbox::open(&place, Some(&server), 0).await;
        let id = outbox.enqueue(mail("Orphan")).await;
        // What a worker leaves that is killed between taking the mail and sending it.
        let (db, lease) = (&outbox.db, outbox.clock.now() + Duration::from_secs(120));
        let taken = "UPDATE mail_outbox SET attempts = 1, due_at = $2 WHERE id = $1";
        chassis::q!(db.write, execute, taken, id, lease).unwrap();
        let (_stopper, stop) = stop::channel();
        let worker = outbox.mailer.deliver_until(stop);
        let watched = async {
            let other = outbox.enqueue(mail("Other")).await;
            outbox.reaches(other, MailStatus::Sent, 1).await;
            assert_eq!(outbox.get(id).await.status, MailStatus::Pending);
            outbox.clock.advance(Duration::from_secs(121));
            outbox.reaches(id, MailStatus::Sent, 2).await;
        };
        tokio::select! {
            () = worker => unreachable!("nobody stopped it"),
            () = watched => {}
        }
    }

    async fn the_worker_stops_when_it_is_told_to(place: Arc<Place>) {
        let server = MailServer::start().await;
        let mut outbox = Outbox::open(&place, Some(&server), 1).await;
        let id = outbox.enqueue(mail("Before")).await;
        outbox.reaches(id, MailStatus::Sent, 1).await;
        outbox.stopper.stop();
        outbox.workers.join_next().await.unwrap().unwrap();
        let late = outbox.enqueue(mail("After")).await;
        assert_eq!(outbox.get(late).await.status, MailStatus::Pending);
    }

    async fn mail_that_has_been_kept_long_enough_is_removed(place: Arc<Place>) {
        let outbox = Outbox::open(&place, None, 0).await;
        let old = outbox.enqueue(mail("Old")).await;
        outbox.clock.advance(Duration::from_secs(31 * 86_400));
        let young = outbox.enqueue(mail("Young")).await;
        assert_eq!(outbox.mailer.sweep().await.unwrap(), 1);
        assert!(outbox.mailer.get(old).await.unwrap().is_none());
        assert_eq!(outbox.get(young).await.subject, "Young");
    }
}

#[tokio::test]
async fn a_subject_cannot_add_a_header() {
    let (place, server) = (Place::sqlite(), MailServer::start().await);
    let outbox = Outbox::open(&place, Some(&server), 1).await;
    let id = outbox.enqueue(mail("Join Acme\r\nBcc: eve@example.org\r\n\r\nEvil")).await;
    outbox.reaches(id, MailStatus::Sent, 1).await;
    let [arrived] = server.accepted().try_into().unwrap();
    let headers = arrived.split("\n\n").next().unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    assert_eq!(outbox.get(id).await.subject.lines().count(), 1);
    assert!(arrived.contains(LINK));
}

#[tokio::test]
async fn a_text_cannot_end_the_message_early() {
    let (place, server) = (Place::sqlite(), MailServer::start().await);
    let outbox = Outbox::open(&place, Some(&server), 1).await;
    let text = "before\r\n.\r\nMAIL FROM:<eve@example.org>\r\nafter".to_owned();
    let id = outbox.enqueue(Mail { text, ..mail("Dots") }).await;
    outbox.reaches(id, MailStatus::Sent, 1).await;
    let [arrived] = server.accepted().try_into().unwrap();
    assert!(arrived.contains("after"), "{arrived}");
}

#[test]
fn what_became_of_mail_is_counted_and_its_text_is_never_shown() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (place, server) = (Place::sqlite(), MailServer::start().await);
            server.answer(&["250 yes", "550 no"]);
            let mut outbox = Outbox::open(&place, Some(&server), 1).await;
            let sent = outbox.enqueue(mail("Sent")).await;
            outbox.reaches(sent, MailStatus::Sent, 1).await;
            let failed = outbox.enqueue(mail("Failed")).await;
            outbox.reaches(failed, MailStatus::Failed, 1).await;
            // The worker counts after it has noted the outcome.
            outbox.stopper.stop();
            outbox.workers.join_next().await.unwrap().unwrap();
            let kept = outbox.enqueue(mail("Kept")).await;
            format!("{:?} {:?}", mail("Shown"), outbox.get(kept).await)
        })
    });
    assert!(shown.contains("reset_password") && !shown.contains("s3cr3t"), "{shown}");
    let rendered = recorder.handle().render();
    for name in ["mail_sent_total", "mail_failed_total"] {
        let line = rendered.lines().find(|line| line.starts_with(&format!("{name}{{")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {rendered}"));
        assert!(line.contains("kind=\"reset_password\"") && line.ends_with(" 1"), "{line}");
    }
}

#[tokio::test]
async fn a_server_behind_tls_is_accepted_as_configuration() {
    let place = Place::sqlite();
    for url in ["smtps://user:hunter2@mail.example.org", "smtp://user:hunter2@mail.example.org?tls=required"]
    {
        let config = MailConfig { smtp_url: Some(url.into()), ..MailConfig::default() };
        let mailer = Mailer::new(config, place.migrated().await, clock()).unwrap();
        assert!(!format!("{mailer:?}").contains("hunter2"));
    }
}
