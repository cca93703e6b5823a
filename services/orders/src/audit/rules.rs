//! What the state of a checkout demands of its payment and of its reservation.

use crate::store::checkout::{CheckoutRow, State};
use contract::inventory::{Reservation, ReservationState};
use contract::payments::{Payment, PaymentState};

/// What is wrong with a checkout's payment, if anything.
pub(super) fn payment(row: &CheckoutRow, payment: Option<&Payment>) -> Option<String> {
    use PaymentState::{Authorized, Captured, Failed, PartiallyRefunded, Pending, Refunded, Voided};
    let Some(payment) = payment else {
        let needed = matches!(row.state, State::Confirmed | State::Complete);
        return needed.then(|| format!("checkout {} is {} and has no payment", row.id, row.state.as_str()));
    };
    let state_fits = match row.state {
        State::Open => !matches!(payment.state, Captured | PartiallyRefunded | Refunded),
        State::Confirmed => matches!(payment.state, Authorized | Captured | PartiallyRefunded | Refunded),
        State::Complete => matches!(payment.state, Captured | PartiallyRefunded | Refunded),
        // A provider that has not answered is asked until it has, and then the amount is let go.
        State::Failed | State::Cancelled => matches!(payment.state, Failed | Voided | Refunded | Pending),
        State::Reversed => matches!(payment.state, Failed | Voided | Refunded),
    };
    let sold = matches!(row.state, State::Confirmed | State::Complete);
    let amount_fits = !sold || payment.amount == row.amount;
    let given_back = matches!(row.state, State::Complete | State::Reversed);
    let refunds_fit = !given_back || payment.refunded == row.refunded;
    // One that was called off and had been taken is given back whole.
    let whole = row.state != State::Reversed || payment.state != Refunded || row.refunded == row.amount;
    // One that was let go before it was begun knows no order.
    let order_fits = payment.state == Voided || payment.order == row.order;
    if state_fits && amount_fits && refunds_fit && whole && order_fits {
        return None;
    }
    Some(format!(
        "checkout {} is {} over {} with {} given back; its payment is {} over {} with {} given back",
        row.id,
        row.state.as_str(),
        row.amount,
        row.refunded,
        payment.state,
        payment.amount,
        payment.refunded
    ))
}

/// What is wrong with a checkout's reservation, if anything.
pub(super) fn reservation(row: &CheckoutRow, kept: Option<&Reservation>) -> Option<String> {
    use ReservationState::{Active, Committed, Expired, Released, Secured};
    let Some(kept) = kept else {
        let needed = matches!(row.state, State::Confirmed | State::Complete);
        return needed
            .then(|| format!("checkout {} is {} and nothing is reserved", row.id, row.state.as_str()));
    };
    let fits = match row.state {
        State::Open => kept.state != Committed,
        State::Confirmed => matches!(kept.state, Active | Secured | Committed | Expired),
        State::Complete => kept.state == Committed,
        State::Failed | State::Cancelled => matches!(kept.state, Released | Expired),
        State::Reversed => matches!(kept.state, Committed | Released | Expired),
    };
    let same = kept.state == Released || kept.order == row.order;
    (!fits || !same)
        .then(|| format!("checkout {} is {}; its reservation is {}", row.id, row.state.as_str(), kept.state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::clock::Ts;
    use contract::ids::{CheckoutId, OrderId};
    use contract::money::{Currency, Money};
    use contract::orders::CheckoutFlow;
    use time::OffsetDateTime;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn row(state: State, refunded: i64) -> CheckoutRow {
        let at = Ts::from_secs(0);
        CheckoutRow {
            id: CheckoutId::new(),
            order: OrderId::new(),
            flow: CheckoutFlow::Orchestration,
            state,
            amount: eur(100),
            refunded: eur(refunded),
            stock: None,
            payment: None,
            deadline_at: at,
            moved_at: at,
        }
    }

    fn paid(row: &CheckoutRow, state: PaymentState, amount: i64, refunded: i64) -> Payment {
        Payment {
            id: row.id,
            order: row.order,
            state,
            amount: eur(amount),
            refunded: eur(refunded),
            failure: None,
            next_action: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_sold_order_has_one_payment_of_its_total() {
        let sold = row(State::Complete, 0);
        assert_eq!(payment(&sold, Some(&paid(&sold, PaymentState::Captured, 100, 0))), None);
        assert!(payment(&sold, None).is_some());
        for (state, amount, refunded) in [
            (PaymentState::Captured, 99, 0),
            (PaymentState::Authorized, 100, 0),
            (PaymentState::Voided, 100, 0),
            (PaymentState::PartiallyRefunded, 100, 1),
        ] {
            assert!(
                payment(&sold, Some(&paid(&sold, state, amount, refunded))).is_some(),
                "{state} {amount}"
            );
        }
        let anothers = Payment { order: OrderId::new(), ..paid(&sold, PaymentState::Captured, 100, 0) };
        assert!(payment(&sold, Some(&anothers)).is_some());
    }

    #[test]
    fn an_order_that_was_not_sold_costs_nothing() {
        for state in [State::Failed, State::Cancelled] {
            let unsold = row(state, 0);
            assert_eq!(payment(&unsold, None), None);
            assert_eq!(payment(&unsold, Some(&paid(&unsold, PaymentState::Voided, 100, 0))), None);
            for left in [PaymentState::Authorized, PaymentState::Captured, PaymentState::RequiresAction] {
                assert!(payment(&unsold, Some(&paid(&unsold, left, 100, 0))).is_some(), "{left}");
            }
        }
    }

    #[test]
    fn what_was_called_off_is_given_back_whole() {
        let reversed = row(State::Reversed, 100);
        assert_eq!(payment(&reversed, Some(&paid(&reversed, PaymentState::Refunded, 100, 100))), None);
        assert!(payment(&reversed, Some(&paid(&reversed, PaymentState::Captured, 100, 0))).is_some());
        let some = row(State::Reversed, 60);
        assert!(payment(&some, Some(&paid(&some, PaymentState::Refunded, 100, 60))).is_some());
    }

    #[test]
    fn goods_leave_with_what_was_sold_and_stay_with_what_was_not() {
        let kept = |row: &CheckoutRow, state| Reservation {
            checkout: row.id,
            order: row.order,
            state,
            lines: Vec::new(),
            expires_at: OffsetDateTime::UNIX_EPOCH,
        };
        let (sold, unsold) = (row(State::Complete, 0), row(State::Failed, 0));
        assert_eq!(reservation(&sold, Some(&kept(&sold, ReservationState::Committed))), None);
        assert!(reservation(&sold, Some(&kept(&sold, ReservationState::Released))).is_some());
        assert!(reservation(&sold, None).is_some());
        assert_eq!(reservation(&unsold, Some(&kept(&unsold, ReservationState::Expired))), None);
        for left in [ReservationState::Active, ReservationState::Secured, ReservationState::Committed] {
            assert!(reservation(&unsold, Some(&kept(&unsold, left))).is_some(), "{left}");
        }
    }
}
