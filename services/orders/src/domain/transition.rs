//! Who may do what to an order, and what becomes of it: one table, and nothing beside it.

use contract::orders::OrderStatus;
use contract::orders::OrderStatus::{
    Cancelled, Confirmed, Delivered, Failed, Pending, Processing, Refunded, Shipped,
};

/// What may be done to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Stock is kept and the payment is good.
    Confirm,
    /// There is no stock or no payment.
    Fail,
    /// Another try to pay it.
    Retry,
    /// Call it off; what was paid is given back.
    Cancel,
    /// Begin to pack it.
    Process,
    /// Hand it to a carrier.
    Ship,
    /// It has arrived.
    Deliver,
    /// Give some of it back.
    RefundSome,
    /// Give all that is left of it back.
    RefundAll,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Who bought it.
    Buyer,
    /// Who manages orders.
    Staff,
    /// The checkout.
    Checkout,
}

/// A line of the table: in this state this action is open to these, and leads there.
type Line = (OrderStatus, Action, &'static [Actor], OrderStatus);

const BUYER: &[Actor] = &[Actor::Buyer];
const STAFF: &[Actor] = &[Actor::Staff];
const CHECKOUT: &[Actor] = &[Actor::Checkout];
const ANYBODY: &[Actor] = &[Actor::Buyer, Actor::Staff, Actor::Checkout];

/// What is open to whom. What is not in it is not allowed.
pub const TABLE: &[Line] = &[
    (Pending, Action::Confirm, CHECKOUT, Confirmed),
    (Pending, Action::Fail, CHECKOUT, Failed),
    (Pending, Action::Cancel, ANYBODY, Cancelled),
    (Failed, Action::Retry, BUYER, Pending),
    (Confirmed, Action::Cancel, ANYBODY, Cancelled),
    (Confirmed, Action::Process, STAFF, Processing),
    (Confirmed, Action::RefundSome, STAFF, Confirmed),
    (Processing, Action::Cancel, STAFF, Cancelled),
    (Processing, Action::Ship, STAFF, Shipped),
    (Processing, Action::RefundSome, STAFF, Processing),
    (Shipped, Action::Deliver, STAFF, Delivered),
    (Shipped, Action::RefundSome, STAFF, Shipped),
    (Shipped, Action::RefundAll, STAFF, Refunded),
    (Delivered, Action::RefundSome, STAFF, Delivered),
    (Delivered, Action::RefundAll, STAFF, Refunded),
];

/// Why something is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The order is in a state in which nobody may.
    #[error("The order is {0}; that cannot be done to it.")]
    InThisState(OrderStatus),
    /// The order is in a state in which only others may.
    #[error("The order is {0}; only the shop can do that now.")]
    ByOthers(OrderStatus),
}

/// What becomes of an order in `state` when `who` does `action`.
///
/// # Errors
/// When the table does not allow it.
pub fn after(state: OrderStatus, action: Action, who: Actor) -> Result<OrderStatus, NotAllowed> {
    let line = TABLE.iter().find(|(from, open, ..)| (*from, *open) == (state, action));
    match line {
        Some((.., actors, to)) if actors.contains(&who) => Ok(*to),
        Some(_) => Err(NotAllowed::ByOthers(state)),
        None => Err(NotAllowed::InThisState(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ACTIONS: [Action; 9] = [
        Action::Confirm,
        Action::Fail,
        Action::Retry,
        Action::Cancel,
        Action::Process,
        Action::Ship,
        Action::Deliver,
        Action::RefundSome,
        Action::RefundAll,
    ];
    const ACTORS: [Actor; 3] = [Actor::Buyer, Actor::Staff, Actor::Checkout];

    /// How far goods and money are: no action leads back.
    fn rank(state: OrderStatus) -> u8 {
        match state {
            Failed | Pending => 0,
            Confirmed => 1,
            Processing => 2,
            Shipped => 3,
            Delivered => 4,
            Cancelled | Refunded => 5,
        }
    }

    #[test]
    fn every_line_stands_once() {
        for (place, line) in TABLE.iter().enumerate() {
            let same = |other: &&Line| (other.0, other.1) == (line.0, line.1);
            assert_eq!(TABLE.iter().filter(same).count(), 1, "line {place}");
        }
    }

    #[test]
    fn what_was_called_off_or_given_back_stays_so() {
        for (action, who) in ACTIONS.into_iter().flat_map(|action| ACTORS.map(|who| (action, who))) {
            for end in [Cancelled, Refunded] {
                assert_eq!(after(end, action, who), Err(NotAllowed::InThisState(end)));
            }
        }
    }

    #[test]
    fn a_buyer_may_pay_again_and_call_off_what_is_not_packed_and_nothing_else() {
        let open = TABLE.iter().filter(|(_, _, actors, _)| actors.contains(&Actor::Buyer));
        let open: Vec<_> = open.map(|(state, action, ..)| (*state, *action)).collect();
        let expected = [(Pending, Action::Cancel), (Failed, Action::Retry), (Confirmed, Action::Cancel)];
        assert_eq!(open, expected);
    }

    #[test]
    fn only_a_checkout_says_that_an_order_is_sold_or_not() {
        for action in [Action::Confirm, Action::Fail] {
            for who in [Actor::Buyer, Actor::Staff] {
                assert!(OrderStatus::ALL.iter().all(|state| after(*state, action, who).is_err()));
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_tried_an_order_never_goes_back(
            tries in prop::collection::vec((0..ACTIONS.len(), 0..ACTORS.len()), 0..60),
        ) {
            let (mut state, mut shipped) = (Pending, false);
            for (action, who) in tries {
                let Ok(next) = after(state, ACTIONS[action], ACTORS[who]) else { continue };
                prop_assert!(rank(next) >= rank(state), "{state} -> {next}");
                prop_assert!(!(shipped && next == Cancelled), "goods on their way are not called off");
                shipped |= next == Shipped;
                state = next;
            }
        }
    }
}
