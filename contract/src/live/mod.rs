//! The live channel: what clients that stay connected are told of, and in which frames.
//!
//! An event that clients may hear of implements [`Live`] beside [`Event`]: the topic it belongs to, the thing that it is
//! about, who may read it, and what of it they are shown. The gateway does the rest. Nothing else of an event reaches a
//! client, so a field that is added to the event for other services never leaks.
//!
//! What must hold:
//! - [`Live::readers`] names everybody who may read it, by what is in their token: nobody is asked.
//! - [`Live::view`] holds no secret and nothing about other people that the readers could not read by the API: no token of a
//!   payment method, no e-mail address. It is small (4 KiB as JSON at most); who wants more asks the API.

mod frame;
mod readers;
mod topic;

pub use frame::{ClientFrame, LogoutReason, ResetReason, ServerFrame};
pub use readers::Readers;
pub use topic::{NotATopic, Subscription, Topic, Which};

use crate::event::Event;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An event that connected clients may hear of.
pub trait Live: Event {
    /// The topic it belongs to.
    const TOPIC: Topic;

    /// What readers are shown of it.
    type View: Serialize + ToSchema;

    /// The thing that it is about: `orders/{id}` is told of it.
    fn resource(&self) -> Uuid;

    /// Who may read it.
    fn readers(&self) -> Readers;

    /// What they are shown.
    fn view(&self) -> Self::View;
}
