//! Opening incidents, and ending them, when readiness and alerts say so.
//!
//! A subject, which is a service or the platform, has at most one open incident, whatever has shown it first. It ends when
//! nothing shows it any more, unless a person has taken it over: then a person ends it. A cause that was there when a person
//! said that it is over opens no further incident; one that begins afterwards does.

use super::App;
use crate::domain::incident::{Cause, ENDED, Lately, OPENED, PLATFORM, Verdict, WORSE, judge};
use crate::domain::uptime::holds_for;
use crate::error::StatusResult;
use crate::store::incident::{self, Kept};
use crate::store::{alert, service};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::IncidentId;
use contract::status::{IncidentOpened, IncidentResolved, IncidentStatus, IncidentUpdate, IncidentUpdated};

impl App {
    /// Brings the incident of a subject to what is known of it.
    ///
    /// # Errors
    /// When the database fails, or an event cannot be published.
    pub(super) async fn reconcile(&self, t: &mut Tx, subject: &str, now: Ts) -> StatusResult<()> {
        // Held before anything is looked at: what is known of an incident that somebody else ends meanwhile would be of before.
        let open = incident::hold_open_of(t, subject).await?;
        let last = service::find(t, subject).await?;
        let fresh = holds_for(self.every, self.patience);
        let lately = last.filter(|last| now.since(last.looked_at) <= fresh);
        let lately = lately.map(|last| Lately { found: last.found, since: last.since });
        let firing = alert::critical(t, (subject != PLATFORM).then_some(subject)).await?;
        let verdict = judge(subject, lately, self.is_watched(subject), firing, self.incident_after, now);
        match (open, verdict) {
            (None, Verdict::Bad(cause)) => self.open(t, subject, cause, now).await,
            (Some(open), Verdict::Bad(cause)) if open.automatic && cause.impact > open.impact => {
                let worse = Kept { impact: cause.impact, ..open };
                self.say(t, worse, WORSE, now).await
            }
            (Some(open), Verdict::Good) if open.automatic => {
                let over = Kept { status: IncidentStatus::Resolved, resolved_at: Some(now), ..open };
                self.say(t, over, ENDED, now).await
            }
            (None | Some(_), _) => Ok(()),
        }
    }

    async fn open(&self, t: &mut Tx, subject: &str, cause: Cause, now: Ts) -> StatusResult<()> {
        let known = incident::last_ended_by_person(t, subject).await?;
        if known.is_some_and(|ended| cause.began <= ended) {
            return Ok(());
        }
        let services = if subject == PLATFORM { Vec::new() } else { vec![subject.to_owned()] };
        let new = Kept {
            id: IncidentId::new(),
            subject: Some(subject.to_owned()),
            origin: cause.origin,
            automatic: true,
            title: cause.title,
            impact: cause.impact,
            status: IncidentStatus::Investigating,
            services,
            opened_at: now,
            resolved_at: None,
            resolved_by: None,
            version: 1,
        };
        if incident::insert(t, &new).await? {
            let said = update(&new, OPENED, now);
            incident::add_update(t, new.id, &said).await?;
            self.publish_opened(t, &new).await?;
            tracing::warn!(incident = %new.id, subject, title = new.title, "an incident was opened");
        }
        Ok(())
    }

    /// Keeps a held incident as it is now, with a word about it.
    async fn say(&self, t: &mut Tx, changed: Kept, text: &str, now: Ts) -> StatusResult<()> {
        let changed = Kept { version: changed.version + 1, ..changed };
        incident::replace(t, &changed).await?;
        incident::add_update(t, changed.id, &update(&changed, text, now)).await?;
        tracing::info!(incident = %changed.id, status = changed.status.as_str(), "an incident has changed");
        self.publish_changed(t, &changed, Some(text)).await
    }

    /// Tells everybody that an incident was opened.
    pub(super) async fn publish_opened(&self, t: &mut Tx, new: &Kept) -> StatusResult<()> {
        let (title, services) = (new.title.clone(), new.services.clone());
        let opened = IncidentOpened { incident: new.id, title, impact: new.impact, services };
        self.outbox.publish(t, &opened).await.map(drop).map_err(Into::into)
    }

    /// Tells everybody that an incident has changed, or is over.
    pub(super) async fn publish_changed(
        &self,
        t: &mut Tx,
        now: &Kept,
        text: Option<&str>,
    ) -> StatusResult<()> {
        let (incident, title, opened_at) = (now.id, now.title.clone(), now.opened_at.to_datetime());
        let published = if now.status == IncidentStatus::Resolved {
            self.outbox.publish(t, &IncidentResolved { incident, title, opened_at }).await
        } else {
            let (impact, status, text) = (now.impact, now.status, text.map(str::to_owned));
            self.outbox.publish(t, &IncidentUpdated { incident, title, impact, status, text }).await
        };
        published.map(drop).map_err(Into::into)
    }
}

fn update(of: &Kept, text: &str, now: Ts) -> IncidentUpdate {
    IncidentUpdate { status: of.status, text: text.to_owned(), at: now.to_datetime(), by: None }
}
