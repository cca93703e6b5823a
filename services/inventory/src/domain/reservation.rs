//! Which step a reservation may take, as a table.
//!
//! ```text
//!             secure      commit            release     expire
//! ACTIVE      SECURED     COMMITTED         RELEASED    EXPIRED
//! SECURED     .           COMMITTED         RELEASED    .
//! COMMITTED   .           .                 refused     .
//! RELEASED    refused     refused           .           .
//! EXPIRED     refused     COMMITTED if      RELEASED    .
//!                         there is enough
//! ```
//!
//! A point is an answer without a change: the same was asked before, or what was asked is true already.

use contract::inventory::ReservationState::{self, Active, Committed, Expired, Released, Secured};

/// What is asked of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To keep it without an end.
    Secure,
    /// To let the goods leave.
    Commit,
    /// To let it go.
    Release,
    /// To let it go because its time is over.
    Expire,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing changes, and who asks is content.
    Stands,
    /// It is in this state from now on.
    Moves(ReservationState),
    /// Who asks is told no.
    Refused,
}

/// The table.
#[must_use]
pub const fn step(state: ReservationState, action: Action) -> Step {
    match (action, state) {
        (Action::Secure, Active) => Step::Moves(Secured),
        (Action::Secure, Secured | Committed) => Step::Stands,
        (Action::Secure, Released | Expired) => Step::Refused,
        (Action::Commit, Active | Secured | Expired) => Step::Moves(Committed),
        (Action::Commit, Committed) => Step::Stands,
        (Action::Commit, Released) => Step::Refused,
        (Action::Release, Active | Secured | Expired) => Step::Moves(Released),
        (Action::Release, Released) => Step::Stands,
        (Action::Release, Committed) => Step::Refused,
        (Action::Expire, Active) => Step::Moves(Expired),
        (Action::Expire, Secured | Committed | Released | Expired) => Step::Stands,
    }
}

/// Whether stock is kept in this state.
#[must_use]
pub const fn keeps_stock(state: ReservationState) -> bool {
    matches!(state, Active | Secured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ACTIONS: [Action; 4] = [Action::Secure, Action::Commit, Action::Release, Action::Expire];

    #[test]
    fn the_same_asked_again_changes_nothing() {
        for state in ReservationState::ALL {
            for action in ACTIONS {
                if let Step::Moves(next) = step(*state, action) {
                    assert_eq!(step(next, action), Step::Stands, "{state} {action:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_secured_does_not_expire() {
        assert_eq!(step(Secured, Action::Expire), Step::Stands);
    }

    proptest! {
        /// Goods leave once, and stock that was let go is not let go again.
        #[test]
        fn whatever_is_asked_stock_leaves_or_comes_back_once(asked in prop::collection::vec(0_usize..4, 0..20)) {
            let (mut state, mut reserved, mut gone) = (Active, 1, 0);
            for action in asked.into_iter().map(|n| ACTIONS[n]) {
                let Step::Moves(next) = step(state, action) else { continue };
                if next == Committed {
                    gone += 1;
                }
                if keeps_stock(state) && !keeps_stock(next) {
                    reserved -= 1;
                }
                state = next;
                prop_assert_eq!(reserved, i32::from(keeps_stock(state)));
                prop_assert_eq!(gone, i32::from(state == Committed));
            }
        }
    }
}
