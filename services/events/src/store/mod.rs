//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Whose events somebody may know of stands in every statement that reads for a person: [`Reach`]. Locks are taken in one order:
//! the event, then the rest.

pub mod audit;
pub mod event;
pub mod event_list;
pub mod link;
pub mod rules;
pub mod step;

use chassis::db::{DbError, Engine};
use contract::ids::OrganizationId;
use sqlx::types::Json;
use uuid::Uuid;

/// A row holds a text that no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

/// The organisations whose events somebody may know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// These.
    These(Vec<OrganizationId>),
    /// Every one, for who manages the organisations of the platform.
    Every,
}

impl Reach {
    /// The condition on `organization_id`, whose parameter is [`Reach::list`].
    fn condition(&self, engine: Engine, parameter: u8) -> String {
        match self {
            Self::These(_) => format!("organization_id {}", in_list(engine, parameter)),
            Self::Every => "1 = 1".to_owned(),
        }
    }

    fn list(&self) -> Json<Vec<Uuid>> {
        match self {
            Self::These(ids) => list(ids),
            Self::Every => Json(Vec::new()),
        }
    }
}

/// The identifiers of a statement's parameter, which is a JSON list of them.
fn in_list(engine: Engine, parameter: u8) -> String {
    match engine {
        Engine::Sqlite => {
            format!("IN (SELECT unhex(replace(value, '-', '')) FROM json_each(${parameter}))")
        }
        Engine::Postgres => {
            format!("IN (SELECT CAST(value AS UUID) FROM jsonb_array_elements_text(${parameter}))")
        }
    }
}

/// The parameter of [`in_list`].
fn list(ids: &[OrganizationId]) -> Json<Vec<Uuid>> {
    Json(ids.iter().map(|id| id.uuid()).collect())
}
