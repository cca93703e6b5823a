//! What must hold over everything that the service keeps.

use super::App;
use crate::store::audit;
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;

impl App {
    /// Nobody is told a thing twice.
    pub(crate) fn each_mail_is_sent_once(&self) -> Invariant {
        let app = self.clone();
        let about =
            "Every mail belongs to one message, and nobody gets two messages of one kind about one thing.";
        Invariant::new("each-mail-is-sent-once", about, move || {
            let app = app.clone();
            async move { app.look_for_second_mails().await }
        })
    }

    /// Nobody is forgotten.
    pub(crate) fn what_waits_has_a_job(&self) -> Invariant {
        let app = self.clone();
        let about =
            "Every message that is still to be written has a job that writes it, or one that failed visibly.";
        Invariant::new("messages-that-wait-have-a-job", about, move || {
            let app = app.clone();
            async move { app.look_for_forgotten().await }
        })
    }

    /// No receipt is held back for nothing.
    pub(crate) fn no_receipt_waits_for_a_known_order(&self) -> Invariant {
        let app = self.clone();
        let about = "A payment waits to be told of only as long as nobody knows whose order it is.";
        Invariant::new("receipts-wait-for-unknown-orders-only", about, move || {
            let app = app.clone();
            async move { app.look_for_late_receipts().await }
        })
    }

    async fn look_for_late_receipts(&self) -> anyhow::Result<Checked> {
        let (checked, late) = audit::parked(&self.db).await?;
        let late = late.into_iter().map(|(checkout, order)| {
            Violation::new(format!("payment {checkout}"), format!("whose order {order} is, is known"))
        });
        Ok(Checked { checked, violations: late.collect() })
    }

    async fn look_for_second_mails(&self) -> anyhow::Result<Checked> {
        let checked = audit::count(&self.db).await?;
        let of_none = audit::mail_of_no_message(&self.db).await?.into_iter().map(|(mail, messages)| {
            Violation::new(format!("mail {mail}"), format!("it belongs to {messages} messages"))
        });
        let twice =
            audit::told_twice(&self.db).await?.into_iter().map(|(kind, subject, recipient, count)| {
                Violation::new(
                    format!("{kind} {subject} to {recipient}"),
                    format!("there are {count} messages"),
                )
            });
        Ok(Checked { checked, violations: of_none.chain(twice).collect() })
    }

    async fn look_for_forgotten(&self) -> anyhow::Result<Checked> {
        let checked = audit::count(&self.db).await?;
        let forgotten = audit::forgotten(&self.db).await?.into_iter();
        let forgotten = forgotten
            .map(|(id, kind)| Violation::new(format!("message {id} ({kind})"), "it waits and has no job"));
        Ok(Checked { checked, violations: forgotten.collect() })
    }
}
