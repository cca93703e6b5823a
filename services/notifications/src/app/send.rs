//! Writing a message and giving it to the mail.

use super::App;
use crate::domain::letters;
use crate::domain::message::{Message, Recipient};
use crate::store::{notification, turned_off};
use chassis::jobs::{JobError, JobResult, Run};
use chassis::mail::Mail;
use contract::client::CallError;
use contract::error::ErrorKind;
use contract::ids::{NotificationId, UserId};
use contract::notifications::{NotificationKind, NotificationState};
use metrics::counter;

/// Where a message goes.
pub(super) enum Place {
    /// To this address of somebody of this name.
    Address(String, Option<String>),
    /// Nowhere, and why.
    Nowhere(&'static str),
}

impl App {
    /// Sends a message, unless it was settled before. A service that is away is asked again later.
    pub(crate) async fn send(&self, id: NotificationId, run: &Run) -> JobResult {
        let Some(message) = notification::find_queued(&self.db, id).await? else { return Ok(()) };
        // Asked before the transaction: nobody is called while one is open.
        let place = match &message.to {
            Recipient::Address(address) => Place::Address(address.clone(), None),
            Recipient::User(user) => self.place_of(*user, message.kind).await?,
        };
        match place {
            Place::Address(address, name) => self.mail(id, message, address, name.as_deref(), run).await,
            Place::Nowhere(why) => self.skip(id, message.kind, why, run).await,
        }
    }

    pub(super) async fn place_of(&self, user: UserId, kind: NotificationKind) -> Result<Place, JobError> {
        if kind.is_optional() && turned_off::of_user(&self.db, user).await?.contains(&kind) {
            return Ok(Place::Nowhere("turned off"));
        }
        match self.auth.contact(user).await {
            // What belongs to a purchase is told also when somebody may no longer log in.
            Ok(contact) if !contact.active && kind.is_optional() => {
                Ok(Place::Nowhere("the account is disabled"))
            }
            Ok(contact) => Ok(Place::Address(contact.email, contact.display_name)),
            Err(CallError::Refused(error)) if error.code.kind() == ErrorKind::NotFound => {
                Ok(Place::Nowhere("there is no such account"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn mail(
        &self,
        id: NotificationId,
        message: Message,
        to: String,
        name: Option<&str>,
        run: &Run,
    ) -> JobResult {
        let Message { kind, facts, .. } = message;
        let letter = self.letters.write(kind, name, facts).map_err(JobError::give_up)?;
        let mut tx = self.db.begin().await?;
        let (subject, text) = (letter.subject.clone(), letter.text.clone());
        let mail =
            self.mailer.enqueue(&mut tx, Mail { to, subject, text, kind: letters::name(kind) }).await?;
        // Of two who send it at once, the second waits here, finds it settled and takes its mail back.
        if notification::mailed(&mut tx, id, &letter, mail, self.clock.now()).await? {
            run.complete(&mut tx).await?;
            tx.commit().await?;
            count(kind, NotificationState::Mailed);
        }
        Ok(())
    }

    async fn skip(&self, id: NotificationId, kind: NotificationKind, why: &str, run: &Run) -> JobResult {
        let mut tx = self.db.begin().await?;
        if notification::skipped(&mut tx, id, why, self.clock.now()).await? {
            run.complete(&mut tx).await?;
            tx.commit().await?;
            count(kind, NotificationState::Skipped);
        }
        Ok(())
    }
}

fn count(kind: NotificationKind, state: NotificationState) {
    counter!("notifications_total", "kind" => kind.as_str(), "state" => state.as_str()).increment(1);
}
