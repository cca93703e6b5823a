//! The typed client of the payments.

use super::{Authorize, Payment, Refund, RefundPayment};
use crate::client::{Caller, endpoints};
use crate::ids::{CheckoutId, RefundId};

/// Speaks to the payments. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
///
/// Each change is known again by its checkout or refund, so it may be sent again whenever nobody knows whether it took
/// effect. A provider that is slow is no failure: the payment stays `PENDING`, and an event tells how it ended.
#[derive(Clone)]
pub struct PaymentsClient {
    caller: Caller,
}

impl PaymentsClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// Begins a payment. The answer is `AUTHORIZED`, `FAILED`, `REQUIRES_ACTION` or `PENDING`; 409
        /// `INVALID_TRANSITION` when the checkout's payment was voided already.
        authorize(checkout: CheckoutId, body: &Authorize) -> Payment
            = PUT format!("/internal/v1/payments/{checkout}/authorized"), body;
        /// Takes the amount: `CAPTURED`, or still `AUTHORIZED` while the provider has not answered.
        capture(checkout: CheckoutId) -> Payment = PUT format!("/internal/v1/payments/{checkout}/captured");
        /// Lets the amount go. Succeeds when there is no payment, and then keeps one from being begun later; 409
        /// `INVALID_TRANSITION` when it was captured. The answer is `VOIDED`, `FAILED`, or the state before while the
        /// provider has not answered; the service goes on by itself then.
        void(checkout: CheckoutId) -> Payment = PUT format!("/internal/v1/payments/{checkout}/voided");
        /// Gives some of it back: 409 `REFUND_TOO_LARGE` when that is more than is left.
        refund(checkout: CheckoutId, refund: RefundId, body: &RefundPayment) -> Refund
            = PUT format!("/internal/v1/payments/{checkout}/refunds/{refund}"), body;
        /// How it stands.
        payment(checkout: CheckoutId) -> Payment = GET format!("/internal/v1/payments/{checkout}");
        /// All payments by their id, from the first one or behind one, as many as `limit` at most (1000).
        payments(after: Option<CheckoutId>, limit: u32) -> Vec<Payment> = GET all(after, limit);
    }
}

fn all(after: Option<CheckoutId>, limit: u32) -> String {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    format!("/internal/v1/payments?limit={limit}{after}")
}
