//! The published language of the platform: what crosses a process border and nothing else.
//!
//! Requests, responses, events, identifiers, error codes and one typed client a service live here. The crate knows no web
//! framework, no database and no runtime, so that any program can speak to a service by depending on it alone.
//!
//! What must hold: JSON is camelCase, requests refuse unknown fields, and a type that is on the wire changes only by
//! adding optional fields; anything else is a new version beside the old one.

pub mod assistant;
pub mod audit;
pub mod auth;
pub mod bff;
pub mod catalog;
pub mod client;
pub mod error;
pub mod event;
pub mod events;
pub mod gateway;
pub mod identity;
pub mod ids;
pub mod inventory;
pub mod live;
pub mod money;
pub mod notifications;
pub mod orders;
pub mod page;
pub mod payments;
pub mod purge;
pub mod readiness;
pub mod reviews;
pub mod status;
mod texts;
pub mod todos;

pub use client::{CallError, Request, Response, Transport};
pub use error::{ErrorBody, ErrorCode, ErrorKind, FieldError};
pub use page::{Empty, Pagination, Success};
