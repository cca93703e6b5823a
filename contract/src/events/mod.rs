//! The events' part of the language: what organisations plan, and its way through approval.
//!
//! An event in this module is something that takes place. What services tell each other is [`crate::event`].

mod calendar;
mod client;
mod event;
mod history;
mod list;
mod live;
mod published;
mod rules;

pub use calendar::{CalendarLink, CalendarToken, CreateCalendarLink, NewCalendarLink};
pub use client::EventsClient;
pub use event::{CreateEvent, Event, EventStatus, RejectEvent, UpdateEvent};
pub use history::{EventAction, EventStep, FieldChange};
pub use list::ListEvents;
pub use live::EventNews;
pub use published::{
    EventApproved, EventCard, EventCreated, EventDeleted, EventRejected, EventReopened, EventSubmitted,
    EventUpdated,
};
pub use rules::{EventRules, SetEventRules};
