//! A roll-out as an administrator is shown it.

use super::judge::Seen;
use super::live::Live;
use super::store::State;
use contract::gateway::{Rollout, RolloutState, SideSeen};
use contract::ids::UserId;

impl Live {
    /// How it stands.
    pub(super) fn shown(&self) -> Rollout {
        let (bounds, row) = (self.bounds.load(), self.known().filter(|_| !self.is_fixed()));
        let state = match row.as_ref().map(|row| row.state) {
            Some(State::Advancing) => RolloutState::Advancing,
            Some(State::Held) => RolloutState::Held,
            Some(State::Back) => RolloutState::Back,
            Some(State::Done) => RolloutState::Done,
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
