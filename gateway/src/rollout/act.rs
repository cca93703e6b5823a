//! What somebody decides about a roll-out.

use super::store::{Change, State};
use super::work::Rollouts;
use chassis::error::{ApiError, ApiResult};
use contract::ErrorCode;
use contract::gateway::Rollout;
use contract::ids::UserId;

/// How often it is tried again when replicas decide at the same time.
const TRIES: usize = 5;

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Advance,
    Hold,
    Back,
}

impl Rollouts {
    /// Does what somebody decides, and says how the roll-out of the route stands then.
    pub(super) async fn act(&self, route: &str, act: Act, by: UserId) -> ApiResult<Rollout> {
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
                return Ok(live.shown());
            };
            let change = Change { state, step, reason: "somebody decided so", by: Some(by.uuid()) };
            // Nothing that can fail comes after it: who is told that it failed decides again, and that would be a step more.
            if self.decided_by_hand(&live, &row, &change).await? {
                tracing::info!(route, %by, state = state.as_str(), "somebody decided about a roll-out");
                return Ok(live.shown());
            }
        }
        Err(conflict("It changes all the time. Look at it again."))
    }
}

impl Act {
    /// State and step that follow; nothing when it stands so already.
    fn on(self, state: State, step: usize, is_last: bool) -> ApiResult<Option<(State, usize)>> {
        Ok(match (self, state) {
            (Self::Advance, State::Advancing | State::Held | State::Done) if !is_last => {
                Some((State::Advancing, step + 1))
            }
            (Self::Advance, State::Advancing | State::Held) => Some((State::Done, step)),
            (Self::Hold, State::Advancing) => Some((State::Held, step)),
            (Self::Hold, State::Held) | (Self::Back, State::Back) => None,
            (Self::Back, _) => Some((State::Back, step)),
            (_, State::Back) => {
                return Err(conflict("It went back. Another `generation` in the file begins it anew."));
            }
            (_, State::Done) => return Err(conflict("It has gone through all steps.")),
        })
    }
}

#[track_caller]
fn conflict(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidTransition, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_back_stays_back_and_what_is_done_goes_on_with_new_steps_only() {
        let on =
            |act: Act, state, is_last| act.on(state, 1, is_last).map_err(|error| error.status().as_u16());
        for (act, state, is_last, expected) in [
            (Act::Advance, State::Advancing, false, Ok(Some((State::Advancing, 2)))),
            (Act::Advance, State::Held, false, Ok(Some((State::Advancing, 2)))),
            (Act::Advance, State::Held, true, Ok(Some((State::Done, 1)))),
            (Act::Advance, State::Done, false, Ok(Some((State::Advancing, 2)))),
            (Act::Advance, State::Done, true, Err(409)),
            (Act::Advance, State::Back, false, Err(409)),
            (Act::Hold, State::Advancing, false, Ok(Some((State::Held, 1)))),
            (Act::Hold, State::Held, false, Ok(None)),
            (Act::Hold, State::Done, true, Err(409)),
            (Act::Hold, State::Back, false, Err(409)),
            (Act::Back, State::Done, true, Ok(Some((State::Back, 1)))),
            (Act::Back, State::Advancing, false, Ok(Some((State::Back, 1)))),
            (Act::Back, State::Back, false, Ok(None)),
        ] {
            assert_eq!(on(act, state, is_last), expected, "{act:?} {state:?} {is_last}");
        }
    }
}
