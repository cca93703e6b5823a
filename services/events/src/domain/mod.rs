//! What the service knows without a database: what an event says, its states, who may do what, and how a calendar is written.

pub mod content;
pub mod event;
pub mod ics;
pub mod lifecycle;
pub mod link;
pub mod viewer;

#[cfg(test)]
mod model;
