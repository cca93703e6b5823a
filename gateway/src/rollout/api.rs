//! The routes by which administrators see roll-outs and decide about them.

use super::judge::Seen;
use super::live::Live;
use super::store::{Change, State as Stands};
use super::work::Rollouts;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use chassis::openapi::document;
use contract::gateway::{Rollout, RolloutState, SideSeen};
use contract::ids::UserId;
use contract::page::Success;
use contract::{ErrorBody, ErrorCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often it is tried again when replicas decide at the same time.
const TRIES: usize = 5;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Rollouts> {
    OpenApiRouter::with_openapi(document("Bowline", "One API of all services."))
        .routes(routes!(list_rollouts))
        .routes(routes!(advance_rollout))
        .routes(routes!(hold_rollout))
        .routes(routes!(back_rollout))
}

/// What somebody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Advance,
    Hold,
    Back,
}

/// The roll-outs of the file of routes, as all replicas have seen them.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/rollouts",
    tag = "gateway",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them, by route", body = Success<Vec<Rollout>>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn list_rollouts(
    State(rollouts): State<Rollouts>,
    _: Can<ManageGateway>,
) -> ApiResult<Reply<Vec<Rollout>>> {
    rollouts.look().await?;
    Ok(reply(rollouts.all().iter().map(|live| live.shown()).collect()))
}

/// Takes the next step at once. One that is held goes on by itself from there.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/rollouts/{route}/advance",
    tag = "gateway",
    security(("bearer" = [])),
    params(("route" = String, Path, description = "The route's name in the file")),
    responses(
        (status = 200, description = "How it stands now", body = Success<Rollout>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No route with a roll-out has this name", body = ErrorBody),
        (status = 409, description = "It went back, has gone through all steps, or has none", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn advance_rollout(
    State(rollouts): State<Rollouts>,
    who: Can<ManageGateway>,
    Path(route): Path<String>,
) -> ApiResult<Reply<Rollout>> {
    rollouts.act(&route, Act::Advance, who.0.user()).await
}

/// Has a roll-out stay on its step until somebody advances it or takes it back.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/rollouts/{route}/hold",
    tag = "gateway",
    security(("bearer" = [])),
    params(("route" = String, Path, description = "The route's name in the file")),
    responses(
        (status = 200, description = "How it stands now", body = Success<Rollout>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No route with a roll-out has this name", body = ErrorBody),
        (status = 409, description = "It went back, has gone through all steps, or has none", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn hold_rollout(
    State(rollouts): State<Rollouts>,
    who: Can<ManageGateway>,
    Path(route): Path<String>,
) -> ApiResult<Reply<Rollout>> {
    rollouts.act(&route, Act::Hold, who.0.user()).await
}

/// Sends everybody to the stable side again, until the file says another target or generation.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/rollouts/{route}/back",
    tag = "gateway",
    security(("bearer" = [])),
    params(("route" = String, Path, description = "The route's name in the file")),
    responses(
        (status = 200, description = "How it stands now", body = Success<Rollout>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No route with a roll-out has this name", body = ErrorBody),
        (status = 409, description = "It has no steps: its share is the file's to change", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn back_rollout(
    State(rollouts): State<Rollouts>,
    who: Can<ManageGateway>,
    Path(route): Path<String>,
) -> ApiResult<Reply<Rollout>> {
    rollouts.act(&route, Act::Back, who.0.user()).await
}

impl Rollouts {
    async fn act(&self, route: &str, act: Act, by: UserId) -> ApiResult<Reply<Rollout>> {
        let live = self.all().into_iter().find(|live| *live.key.route == *route);
        let live = live.ok_or_else(|| ApiError::not_found("roll-out"))?;
        if live.is_fixed() {
            return Err(conflict("It has no steps. Its share stands in the file of routes."));
        }
        for _ in 0..TRIES {
            self.look().await?;
            let Some(row) = live.known() else { break };
            let is_last = live.bounds.load().is_last(row.step());
            let Some((state, step)) = act.on(row.state, row.step(), is_last)? else {
                return Ok(reply(live.shown()));
            };
            let change = Change { state, step, reason: "somebody decided so", by: Some(by.uuid()) };
            if self.change(&live, &row, &change).await? {
                tracing::info!(route, %by, state = state.as_str(), "somebody decided about a roll-out");
                self.look().await?;
                return Ok(reply(live.shown()));
            }
        }
        Err(conflict("It changes all the time. Look at it again."))
    }
}

impl Act {
    /// State and step that follow; nothing when it stands so already.
    fn on(self, state: Stands, step: usize, is_last: bool) -> ApiResult<Option<(Stands, usize)>> {
        Ok(match (self, state) {
            (Self::Advance, Stands::Advancing | Stands::Held | Stands::Done) if !is_last => {
                Some((Stands::Advancing, step + 1))
            }
            (Self::Advance, Stands::Advancing | Stands::Held) => Some((Stands::Done, step)),
            (Self::Hold, Stands::Advancing) => Some((Stands::Held, step)),
            (Self::Hold, Stands::Held) | (Self::Back, Stands::Back) => None,
            (Self::Back, _) => Some((Stands::Back, step)),
            (_, Stands::Back) => {
                return Err(conflict("It went back. Another `generation` in the file begins it anew."));
            }
            (_, Stands::Done) => return Err(conflict("It has gone through all steps.")),
        })
    }
}

#[track_caller]
fn conflict(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidTransition, message)
}

impl Live {
    /// As an administrator is shown it.
    fn shown(&self) -> Rollout {
        let (bounds, row) = (self.bounds.load(), self.known().filter(|_| !self.is_fixed()));
        let state = match row.as_ref().map(|row| row.state) {
            Some(Stands::Advancing) => RolloutState::Advancing,
            Some(Stands::Held) => RolloutState::Held,
            Some(Stands::Back) => RolloutState::Back,
            Some(Stands::Done) => RolloutState::Done,
            None if self.is_fixed() => RolloutState::Fixed,
            None => RolloutState::Unknown,
        };
        let side = |seen: Option<Seen>| {
            let Seen { requests, errors, slow } = seen.unwrap_or_default();
            SideSeen { requests, errors, slow }
        };
        Rollout {
            route: self.key.route.to_string(),
            to: self.key.target.to_string(),
            generation: self.key.generation,
            state,
            percent: self.share().percent(),
            step: row.as_ref().map(|row| row.step() + 1),
            steps: bounds.steps.iter().map(|step| step.percent()).collect(),
            since: row.as_ref().map(|row| row.since.to_datetime()),
            stable: side(row.as_ref().map(|row| row.stable())),
            canary: side(row.as_ref().map(|row| row.canary())),
            changed_by: row.as_ref().and_then(|row| row.changed_by).map(UserId),
            reason: row.and_then(|row| row.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_back_stays_back_and_what_is_done_goes_on_with_new_steps_only() {
        let on =
            |act: Act, state, is_last| act.on(state, 1, is_last).map_err(|error| error.status().as_u16());
        for (act, state, is_last, expected) in [
            (Act::Advance, Stands::Advancing, false, Ok(Some((Stands::Advancing, 2)))),
            (Act::Advance, Stands::Held, false, Ok(Some((Stands::Advancing, 2)))),
            (Act::Advance, Stands::Held, true, Ok(Some((Stands::Done, 1)))),
            (Act::Advance, Stands::Done, false, Ok(Some((Stands::Advancing, 2)))),
            (Act::Advance, Stands::Done, true, Err(409)),
            (Act::Advance, Stands::Back, false, Err(409)),
            (Act::Hold, Stands::Advancing, false, Ok(Some((Stands::Held, 1)))),
            (Act::Hold, Stands::Held, false, Ok(None)),
            (Act::Hold, Stands::Done, true, Err(409)),
            (Act::Hold, Stands::Back, false, Err(409)),
            (Act::Back, Stands::Done, true, Ok(Some((Stands::Back, 1)))),
            (Act::Back, Stands::Advancing, false, Ok(Some((Stands::Back, 1)))),
            (Act::Back, Stands::Back, false, Ok(None)),
        ] {
            assert_eq!(on(act, state, is_last), expected, "{act:?} {state:?} {is_last}");
        }
    }
}
