//! What organisations allow.

use super::App;
use crate::domain::viewer::{Rules, Viewer};
use crate::error::{EventsError, EventsResult};
use crate::store::rules;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::events::{EventRules, SetEventRules};
use contract::ids::OrganizationId;

impl App {
    /// The rules of an organisation that who asks belongs to.
    ///
    /// # Errors
    /// [`EventsError::NotFound`].
    pub(crate) async fn rules(&self, who: &Principal, id: OrganizationId) -> EventsResult<EventRules> {
        if !Viewer::of(who, id).belongs() {
            return Err(EventsError::NotFound("organisation"));
        }
        Ok(rules::find(&self.db, id).await?)
    }

    /// Sets the rules of an organisation that who asks manages.
    ///
    /// # Errors
    /// [`EventsError::NotFound`], [`EventsError::ForManagers`].
    pub(crate) async fn set_rules(
        &self,
        who: &Principal,
        id: OrganizationId,
        asked: SetEventRules,
    ) -> EventsResult<(Tx, EventRules)> {
        let viewer = Viewer::of(who, id);
        if !viewer.belongs() {
            return Err(EventsError::NotFound("organisation"));
        }
        if !viewer.manages() {
            return Err(EventsError::ForManagers);
        }
        let SetEventRules { own_decisions } = asked;
        let (now, by) = (self.clock.now(), who.user());
        let mut tx = self.db.begin().await?;
        rules::set(&mut tx, id, Rules { own_decisions }, by, now).await?;
        let (set_by, set_at) = (Some(by), Some(now.to_datetime()));
        Ok((tx, EventRules { organization_id: id, own_decisions, set_by, set_at }))
    }
}
