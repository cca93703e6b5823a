//! The events of others, each handled in one transaction; what they mean is [`crate::app`]'s matter.

use crate::app::App;
use crate::store::checkout::{Paid, Stock};
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use chassis::service::Parts;
use contract::inventory::{InventoryCommitted, InventoryRejected, InventoryReleased, InventoryReserved};
use contract::payments::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided,
};

const SOLD_OUT: &str = "There is not enough in stock.";
const NOT_KEPT: &str = "The payment took too long; the goods are not kept any more.";
const LET_GO: &str = "The payment was let go.";

/// Handles every event that concerns a checkout.
#[derive(Debug, Clone)]
struct Hears(App);

/// Adds the handlers.
pub(crate) fn all(parts: Parts, app: &App) -> Parts {
    let hears = || Hears(app.clone());
    parts
        .on::<InventoryReserved>("stock-reserved", hears())
        .on::<InventoryRejected>("stock-rejected", hears())
        .on::<InventoryReleased>("stock-released", hears())
        .on::<InventoryCommitted>("stock-committed", hears())
        .on::<PaymentAuthorized>("payment-authorized", hears())
        .on::<PaymentActionRequired>("payment-action-required", hears())
        .on::<PaymentFailed>("payment-failed", hears())
        .on::<PaymentCaptured>("payment-captured", hears())
        .on::<PaymentVoided>("payment-voided", hears())
        .on::<PaymentRefunded>("payment-refunded", hears())
}

/// Events that say one thing of a checkout, those `unless` it has been said in an answer to us.
macro_rules! hears {
    ($($event:ident $(unless $answered:ident)? => $hear:ident($fact:expr, |$of:ident| $reason:expr);)+) => {$(
        impl Handler<$event> for Hears {
            $(fn wants(&self, event: &$event) -> bool {
                !event.$answered
            })?

            async fn handle(&self, t: &mut Tx, event: Received<$event>) -> Handled {
                let $of = &event.data;
                Ok(self.0.$hear(t, $of.order, $of.checkout, $fact, $reason).await?)
            }
        }
    )+};
}

hears! {
    InventoryReserved unless answered => hear_stock(Stock::Reserved, |event| "");
    InventoryRejected => hear_stock(Stock::Rejected, |event| SOLD_OUT);
    InventoryReleased => hear_stock(Stock::Released, |event| NOT_KEPT);
    InventoryCommitted unless answered => hear_stock(Stock::Committed, |event| "");
    PaymentAuthorized unless answered => hear_payment(Paid::Authorized, |event| "");
    PaymentActionRequired => hear_payment(Paid::ActionRequired, |event| "");
    PaymentFailed => hear_payment(Paid::Failed, |event| &event.reason);
    PaymentCaptured unless answered => hear_payment(Paid::Captured, |event| "");
    PaymentVoided => hear_payment(Paid::Voided, |event| LET_GO);
}

impl Handler<PaymentRefunded> for Hears {
    async fn handle(&self, t: &mut Tx, event: Received<PaymentRefunded>) -> Handled {
        let PaymentRefunded { order, checkout, refund, amount, .. } = event.data;
        Ok(self.0.hear_refund(t, order, checkout, (refund, amount)).await?)
    }
}
