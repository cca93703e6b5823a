//! Routes by configuration: the file (`gateway.routes_file`), what it means, and which route a request is meant for.
//!
//! What must hold: a file that is wrong in any place is not used in any; of several routes that a request fits, the narrowest
//! is meant, whatever their order; and the path that is matched is the one that is passed on.

mod condition;
mod edit;
mod file;
mod named;
mod pattern;
mod plan;

pub(crate) use condition::host;
pub(crate) use file::{Problem, RouteSpec};
pub(crate) use pattern::{Pattern, Template, plain};
pub(crate) use plan::{Plan, Planned};
