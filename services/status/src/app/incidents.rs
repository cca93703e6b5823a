//! Incidents that people open and lead.

use super::App;
use crate::domain::incident::{may_become, words_for};
use crate::error::{StatusError, StatusResult};
use crate::store::incident::{self, Kept};
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::IncidentId;
use contract::status::{
    CreateIncident, Incident, IncidentOrigin, IncidentStatus, IncidentUpdate, UpdateIncident,
};

impl App {
    /// Opens an incident, in a transaction that is not committed.
    ///
    /// # Errors
    /// [`StatusError::NoSuchService`] for a name that no service has.
    pub(crate) async fn open_incident(
        &self,
        who: &Principal,
        asked: CreateIncident,
    ) -> StatusResult<(Tx, Incident)> {
        let CreateIncident { title, impact, services, status, text } = asked;
        let services = self.known(services)?;
        let now = self.clock.now();
        let is_over = status == IncidentStatus::Resolved;
        let new = Kept {
            id: IncidentId::new(),
            subject: None,
            origin: IncidentOrigin::Person,
            automatic: false,
            title: title.trim().to_owned(),
            impact,
            status,
            services,
            opened_at: now,
            resolved_at: is_over.then_some(now),
            resolved_by: is_over.then(|| who.user()),
            version: 1,
        };
        let mut t = self.db.begin().await?;
        incident::insert(&mut t, &new).await?;
        let text = text.trim().to_owned();
        let said = IncidentUpdate { status, text, at: now.to_datetime(), by: Some(who.user()) };
        incident::add_update(&mut t, new.id, &said).await?;
        self.publish_opened(&mut t, &new).await?;
        Ok((t, new.with(vec![said])))
    }

    /// Changes an incident, in a transaction that is not committed. From then on it ends only when a person says so.
    ///
    /// # Errors
    /// [`StatusError::NotFound`], [`StatusError::IsOver`] for what would begin again, [`StatusError::NoSuchService`], and
    /// [`StatusError::Precondition`] when who asks has seen another version.
    pub(crate) async fn update_incident(
        &self,
        who: &Principal,
        id: IncidentId,
        change: UpdateIncident,
        seen: &IfMatch,
    ) -> StatusResult<(Tx, Incident)> {
        let UpdateIncident { title, impact, services, status, text } = change;
        let services = services.map(|services| self.known(services)).transpose()?;
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        let old = incident::hold(&mut t, id).await?.ok_or(StatusError::NotFound("incident"))?;
        seen.check(old.version).map_err(StatusError::Precondition)?;
        let then = status.unwrap_or(old.status);
        if !may_become(old.status, then) {
            return Err(StatusError::IsOver);
        }
        let text = text.map(|text| text.trim().to_owned());
        let said = text.or_else(|| (then != old.status).then(|| words_for(then).to_owned()));
        let is_new = said.is_some() || title.is_some() || impact.is_some() || services.is_some();
        if !is_new {
            let updates = incident::updates_now(&mut t, id).await?;
            return Ok((t, old.with(updates)));
        }
        let ends_now = then == IncidentStatus::Resolved && old.status != then;
        let new = Kept {
            automatic: false,
            title: title.map_or(old.title, |title| title.trim().to_owned()),
            impact: impact.unwrap_or(old.impact),
            services: services.unwrap_or(old.services),
            status: then,
            resolved_at: if ends_now { Some(now) } else { old.resolved_at },
            resolved_by: if ends_now { Some(who.user()) } else { old.resolved_by },
            version: old.version + 1,
            ..old
        };
        incident::replace(&mut t, &new).await?;
        if let Some(text) = &said {
            let (text, by) = (text.clone(), Some(who.user()));
            let said = IncidentUpdate { status: then, text, at: now.to_datetime(), by };
            incident::add_update(&mut t, id, &said).await?;
        }
        if ends_now || new.status != IncidentStatus::Resolved {
            self.publish_changed(&mut t, &new, said.as_deref()).await?;
        }
        let updates = incident::updates_now(&mut t, id).await?;
        Ok((t, new.with(updates)))
    }

    /// The services of an incident, each once, in the order of the platform's list.
    fn known(&self, named: Vec<String>) -> StatusResult<Vec<String>> {
        let unknown = named.iter().position(|name| !self.services.contains(&name.as_str()));
        if let Some(at) = unknown {
            return Err(StatusError::NoSuchService(at));
        }
        let all = self.services.iter().filter(|known| named.iter().any(|name| name == *known));
        Ok(all.map(|name| (*name).to_owned()).collect())
    }
}
