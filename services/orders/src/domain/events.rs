//! What happens to an order: the events of its stream. They are the service's own; what others should know is published in
//! the same transaction.
//!
//! What must hold: no address and nothing else that a person may ask to be forgotten stands in an event; such things are in
//! rows, which can be emptied.

use chassis::event_store::Recorded;
use contract::event::{Event, ReadError};
use contract::ids::{CheckoutId, OrderId, RefundId, UserId};
use contract::inventory::ReserveLine;
use contract::money::Money;
use contract::orders::{CheckoutFlow, OrderLine, ShippingMethod, Totals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares the events of the stream: types with their fields, their names on disk, and the enum of all of them.
macro_rules! events {
    ($($(#[doc = $about:literal])+ $variant:ident($event:ident) = $kind:literal {
        $($(#[doc = $doc:literal])+ $(#[serde($($serde:tt)*)])? $field:ident: $type:ty,)*
    })+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $event {
                /// The order.
                pub order: OrderId,
                $($(#[doc = $doc])+ $(#[serde($($serde)*)])? pub $field: $type,)*
            }

            impl Event for $event {
                const TYPE: &'static str = concat!("order.", $kind);
                const VERSION: u32 = 1;
                const ABOUT: &'static str = concat!($($about),+);

                fn key(&self) -> String {
                    self.order.to_string()
                }
            }
        )+

        chassis::stored_events! {
            /// What happens to an order.
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub enum OrderEvent {
                $($(#[doc = $about])+ $variant($event)),+
            }
        }

        impl OrderEvent {
            /// The event that was recorded; nothing when it is of another kind of stream.
            ///
            /// # Errors
            /// When newer code wrote it, or its data is not of its type.
            pub fn of(recorded: &Recorded) -> Result<Option<Self>, ReadError> {
                $(if let Some(event) = recorded.read::<$event>()? {
                    return Ok(Some(Self::$variant(event)));
                })+
                Ok(None)
            }
        }
    };
}

events! {
    /// Somebody placed it.
    Placed(Placed) = "placed" {
        /// Who bought.
        user: UserId,
        /// Its readable number.
        number: String,
        /// What was bought, as it was sold.
        lines: Vec<OrderLine>,
        /// What it comes to.
        totals: Totals,
        /// How it is brought.
        shipping: ShippingMethod,
    }
    /// An attempt to turn it into a sale began.
    CheckoutStarted(CheckoutStarted) = "checkout_started" {
        /// The attempt.
        checkout: CheckoutId,
        /// Who leads it.
        flow: CheckoutFlow,
    }
    /// Stock is kept and the payment is good.
    Confirmed(Confirmed) = "confirmed" {
        /// The attempt.
        checkout: CheckoutId,
    }
    /// The money is ours and the goods are out of stock.
    Completed(Completed) = "completed" {
        /// The attempt.
        checkout: CheckoutId,
    }
    /// The attempt came to nothing.
    CheckoutFailed(CheckoutFailed) = "checkout_failed" {
        /// The attempt.
        checkout: CheckoutId,
        /// Why, for the buyer.
        reason: String,
    }
    /// Somebody wants it called off while it is being settled.
    CancelAsked(CancelAsked) = "cancel_asked" {
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
    }
    /// It was called off.
    Cancelled(Cancelled) = "cancelled" {
        /// Who called it off; nobody when it could not be delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        /// Why.
        reason: String,
        /// What is given back, and under which id; nothing when nothing was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        giving_back: Option<GivingBack>,
    }
    /// What a cancelled order cost is given back.
    CancellationSettled(CancellationSettled) = "cancellation_settled" {
        /// The id under which it was given back.
        refund: RefundId,
    }
    /// It is being packed.
    ProcessingBegun(ProcessingBegun) = "processing_begun" {
        /// Who said so.
        by: UserId,
    }
    /// It is on its way.
    Shipped(Shipped) = "shipped" {
        /// Who said so.
        by: UserId,
        /// Who brings it.
        carrier: String,
        /// The carrier's number.
        tracking_number: String,
    }
    /// It is with its buyer.
    Delivered(Delivered) = "delivered" {
        /// Who said so.
        by: UserId,
    }
    /// Some of it is to be given back.
    RefundAsked(RefundAsked) = "refund_asked" {
        /// The refund.
        refund: RefundId,
        /// Who wants it.
        by: UserId,
        /// How much.
        amount: Money,
        /// Which goods come back.
        restock: Vec<ReserveLine>,
        /// Why.
        reason: String,
    }
    /// Some of it was given back.
    Refunded(Refunded) = "refunded" {
        /// The refund.
        refund: RefundId,
    }
    /// The provider would not give it back.
    RefundRefused(RefundRefused) = "refund_refused" {
        /// The refund.
        refund: RefundId,
        /// Why.
        reason: String,
    }
}

/// What is given back when an order is called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivingBack {
    /// The id under which money and goods come back.
    pub refund: RefundId,
    /// How much; what was given back before is not in it.
    pub amount: Money,
    /// The goods.
    pub lines: Vec<ReserveLine>,
}
