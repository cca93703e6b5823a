//! Events of organisations that wait for a decision: who decides there, is known to auth only, so a job asks it before anybody is
//! told.

use super::App;
use crate::domain::facts;
use crate::domain::message::{Message, Recipient};
use crate::jobs::TellModerators;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use chassis::jobs::{JobResult, When};
use contract::auth::ListActiveMembers;
use contract::events::EventSubmitted;
use contract::identity::OrganizationRole;
use contract::notifications::NotificationKind;

/// Those who decide that are asked for at a time.
const PAGE: u32 = 100;

/// Puts off telling of an event that was submitted.
#[derive(Debug)]
pub(crate) struct Submitted(pub(crate) App);

impl Handler<EventSubmitted> for Submitted {
    async fn handle(&self, t: &mut Tx, event: Received<EventSubmitted>) -> Handled {
        let EventSubmitted { event: card, by, .. } = event.data;
        // Each time that it is submitted is another one, and another message.
        let subject = format!("{}/{}", card.id, card.version);
        let task = TellModerators { subject, organization: card.organization, title: card.title, by };
        self.0.jobs.enqueue(t, &task, When::Now).await?;
        Ok(())
    }
}

impl App {
    /// Tells those who decide in the organisation, but not who has submitted it.
    pub(crate) async fn tell_moderators(&self, task: TellModerators) -> JobResult {
        let TellModerators { subject, organization, title, by } = task;
        let mut query = ListActiveMembers { role: OrganizationRole::Moderator, after: None, limit: PAGE };
        loop {
            // Asked before the transaction: nobody is called while one is open.
            let page = self.auth.active_members(organization, &query).await?;
            let mut tx = self.db.begin().await?;
            for member in page.iter().filter(|member| member.user != by) {
                let (kind, to) = (NotificationKind::EventSubmitted, Recipient::User(member.user));
                let (subject, facts) = (subject.clone(), facts::submitted(&title));
                self.tell(&mut tx, &Message { kind, subject, to, order: None, facts }).await?;
            }
            tx.commit().await?;
            match page.last() {
                Some(last) if page.len() >= PAGE as usize => query.after = Some(last.user),
                _ => return Ok(()),
            }
        }
    }
}
