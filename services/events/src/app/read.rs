//! Reading events and their history.

use super::{App, reach, sight};
use crate::domain::event::{Event, Step};
use crate::domain::viewer::{Refusal, Viewer};
use crate::error::{EventsError, EventsResult};
use crate::store::event_list::{Listing, SortBy};
use crate::store::{event, step};
use chassis::db::search::Search;
use chassis::http::Page;
use chassis::http::sorted::Cursor;
use chassis::identity::Principal;
use contract::events::ListEvents;
use contract::ids::EventId;
use contract::page::Pagination;

impl App {
    /// An event that who asks may see.
    ///
    /// # Errors
    /// [`EventsError::Refused`].
    pub(crate) async fn event(&self, who: &Principal, id: EventId) -> EventsResult<Event> {
        let found = event::find_within(&self.db, &reach(who), id).await?;
        let seen = found.filter(|event| Viewer::of(who, event.organization).sees(event));
        Ok(seen.ok_or(Refusal::Unseen)?)
    }

    /// A page of the events that who asks may see, and where it stands.
    ///
    /// # Errors
    /// [`EventsError::NotFound`] for an organisation that they do not belong to, [`EventsError::Field`] for a search without a
    /// word or a cursor of another list.
    pub(crate) async fn events(
        &self,
        who: &Principal,
        query: &ListEvents,
        order: Option<(SortBy, bool)>,
    ) -> EventsResult<(Vec<Event>, Pagination)> {
        if let Some(organization) = query.organization_id
            && !Viewer::of(who, organization).belongs()
        {
            return Err(EventsError::NotFound("organisation"));
        }
        let no_word = EventsError::Field("search", "must have a letter or a digit");
        let search = query.search.as_deref().map(|text| Search::of(text).ok_or(no_word)).transpose()?;
        let order = order.unwrap_or((SortBy::StartDate, false));
        let sight = sight(who);
        let listing = Listing { filter: query, search, sight: &sight, order };
        let (page, named) = (Page::new(query.page, query.limit), named(order));
        let Some(text) = &query.cursor else {
            let (events, next) = listing.rows(&self.db, None, page).await?;
            let place = page.of(listing.total(&self.db).await?);
            return Ok((events, Pagination { cursor: next.map(|next| next.text(&named)), ..place }));
        };
        if query.page > 1 {
            return Err(EventsError::Field("page", "a cursor takes the place of a page"));
        }
        let after = Cursor::parse(text, &named)
            .map_err(|_| EventsError::Field("cursor", "not a cursor of this list in this order"))?;
        let (events, next) = listing.rows(&self.db, Some(&after), page).await?;
        let next = next.map(|next| next.text(&named));
        Ok((events, Pagination::by_cursor(query.limit, true, next)))
    }

    /// A page of the history of an event, also of one that was removed, and how many steps there are.
    ///
    /// # Errors
    /// [`EventsError::Refused`]: what it said before it was approved is for its creator and for who decides.
    pub(crate) async fn history(
        &self,
        who: &Principal,
        id: EventId,
        page: Page,
    ) -> EventsResult<(Vec<Step>, u64)> {
        let origin = step::origin_within(&self.db, &reach(who), id).await?;
        let (organization, creator) = origin.ok_or(Refusal::Unseen)?;
        if !Viewer::of(who, organization).sees_behind(creator) {
            // Who sees the event itself is told that there is more; for everybody else there is nothing.
            self.event(who, id).await?;
            return Err(
                Refusal::NotYours("The history of an event is for who made it and for who decides.").into()
            );
        }
        Ok(step::list_of_event(&self.db, id, page).await?)
    }

    /// That who asks belongs to the organisation of an event, also of one that was removed.
    ///
    /// # Errors
    /// [`EventsError::Refused`].
    pub(crate) async fn belongs(&self, who: &Principal, id: EventId) -> EventsResult<()> {
        step::origin_within(&self.db, &reach(who), id).await?.ok_or(Refusal::Unseen)?;
        Ok(())
    }

    /// That who asks decides in the organisation of an event.
    ///
    /// # Errors
    /// [`EventsError::Refused`], which tells of the event only who sees it.
    pub(crate) async fn decides(&self, who: &Principal, id: EventId) -> EventsResult<()> {
        let origin = step::origin_within(&self.db, &reach(who), id).await?;
        let (organization, _) = origin.ok_or(Refusal::Unseen)?;
        if Viewer::of(who, organization).decides() {
            return Ok(());
        }
        self.event(who, id).await?;
        Err(Refusal::NOT_DECIDING.into())
    }
}

/// What the order is called in a cursor.
fn named((by, descending): (SortBy, bool)) -> String {
    format!("{}{by:?}", if descending { "-" } else { "" })
}
