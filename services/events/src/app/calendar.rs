//! Calendar feeds. Their address holds a secret in the place of a token, so whether its owner still belongs to the organisation is
//! asked of auth each time.

use super::App;
use crate::domain::{ics, link};
use crate::error::{EventsError, EventsResult};
use crate::store::{self, event_list};
use anyhow::anyhow;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::auth::Token;
use contract::client::CallError;
use contract::error::ErrorKind;
use contract::events::{CalendarLink, CreateCalendarLink, NewCalendarLink};
use contract::ids::CalendarLinkId;

const NO_FEED: EventsError = EventsError::NotFound("calendar");

impl App {
    /// Makes a feed of an organisation that who asks belongs to, in the place of the one that they had.
    ///
    /// # Errors
    /// [`EventsError::NotFound`] for another organisation.
    pub(crate) async fn create_link(
        &self,
        who: &Principal,
        asked: CreateCalendarLink,
    ) -> EventsResult<(Tx, NewCalendarLink)> {
        let CreateCalendarLink { organization_id } = asked;
        if who.role_in(organization_id).is_none() {
            return Err(EventsError::NotFound("organisation"));
        }
        let token = link::new().map_err(|_| anyhow!("the system has no randomness"))?;
        let created_at = self.clock.now().to_datetime();
        let made = CalendarLink { id: CalendarLinkId::new(), organization_id, created_at };
        let mut tx = self.db.begin().await?;
        store::link::put(&mut tx, who.user(), &made, &link::hash(&token)).await?;
        let path = Token::new(format!("/api/v1/events/calendar.ics?token={}", token.expose()));
        Ok((tx, NewCalendarLink { link: made, token, path }))
    }

    /// The feeds of who asks, without their secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn links(&self, who: &Principal) -> EventsResult<Vec<CalendarLink>> {
        Ok(store::link::list_of_user(&self.db, who.user()).await?)
    }

    /// Ends a feed of who asks.
    ///
    /// # Errors
    /// [`EventsError::NotFound`].
    pub(crate) async fn delete_link(&self, who: &Principal, id: CalendarLinkId) -> EventsResult<Tx> {
        let mut tx = self.db.begin().await?;
        if store::link::delete_of_user(&mut tx, who.user(), id).await? { Ok(tx) } else { Err(NO_FEED) }
    }

    /// The calendar of a secret.
    ///
    /// # Errors
    /// [`EventsError::NotFound`] when it is none of ours, and when its owner has left the organisation or is shut out;
    /// [`EventsError::Auth`] while that cannot be known.
    pub(crate) async fn calendar(&self, token: &Token) -> EventsResult<String> {
        let found = store::link::find_by_hash(&self.db, &link::hash(token)).await?;
        let (user, organization) = found.ok_or(NO_FEED)?;
        match self.auth.active_member(organization, user).await {
            Ok(_) => {}
            Err(CallError::Refused(no)) if no.code.kind() == ErrorKind::NotFound => return Err(NO_FEED),
            Err(error) => return Err(EventsError::Auth(error)),
        }
        let from = self.clock.now() - self.calendar_past;
        let events = event_list::calendar_of(&self.db, organization, from, self.calendar_most).await?;
        Ok(ics::calendar(&events))
    }
}
