//! A hook between a worker and the actions of a flow, by which tests fail, repeat and stop them. See `testkit`.

use super::flow::StepError;
use futures_util::future::BoxFuture;

/// What is done to an action before it is tried.
#[derive(Debug)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// It is not tried and ends with this.
    Fail(StepError),
    /// It is tried twice, the first time as if nobody had heard the answer.
    Twice,
}

/// Disturbs the actions of a flow. An answer that never comes holds the worker up, to be dropped there as by a crash.
pub trait Disturb: Send + Sync {
    /// Before the action of this step is tried.
    fn before<'a>(&'a self, step: &'a str, undo: bool) -> BoxFuture<'a, Disturbance>;

    /// After it: what the worker hears instead, if it succeeded.
    fn after<'a>(&'a self, step: &'a str, undo: bool) -> BoxFuture<'a, Option<StepError>>;
}
