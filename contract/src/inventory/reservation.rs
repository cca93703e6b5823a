//! Reservations: stock that is kept for an order until it is sold or let go.

use crate::error::FieldError;
use crate::ids::{CheckoutId, OrderId, ProductId, RefundId};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// Where a reservation stands.
    ///
    /// ```text
    /// ACTIVE -> SECURED -> COMMITTED
    ///    |  \      |
    ///    |   \     +-----> RELEASED
    ///    |    +----------> RELEASED
    ///    +---------------> EXPIRED
    /// ```
    ///
    /// An expired one can still become `COMMITTED`, when there is enough in stock at that moment, and `RELEASED`, after
    /// which it cannot.
    ReservationState {
        /// Kept until its time is over.
        Active = "ACTIVE",
        /// Kept without an end, because a sale is being completed.
        Secured = "SECURED",
        /// Sold: the stock has left.
        Committed = "COMMITTED",
        /// Let go; also a reservation that was let go before it was made.
        Released = "RELEASED",
        /// Let go because its time was over.
        Expired = "EXPIRED",
    }
}

/// `PUT /internal/v1/inventory/reservations/{checkout}`: all lines or none; the same checkout again is the same
/// reservation. The demand for one product in several lines is added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reserve {
    /// The order that it is for.
    #[garde(skip)]
    pub order: OrderId,
    /// What is wanted.
    #[garde(length(min = 1, max = 200), dive)]
    pub lines: Vec<ReserveLine>,
}

/// So many of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveLine {
    /// The product.
    #[garde(skip)]
    pub product: ProductId,
    /// How many.
    #[garde(range(min = 1, max = 1_000_000))]
    pub quantity: u32,
}

/// A reservation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// The checkout that it is for, which is its id.
    pub checkout: CheckoutId,
    /// The order; all zeros in the answer to a release that came before the reservation, which names no order.
    pub order: OrderId,
    /// Where it stands.
    pub state: ReservationState,
    /// What is kept; each product once.
    pub lines: Vec<ReserveLine>,
    /// When an active one ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// `PUT /internal/v1/inventory/restocks/{refund}`: takes goods back that were sold; the same refund again is the same
/// return. Of an order no more comes back than was sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restock {
    /// The refund or cancellation that it belongs to.
    #[garde(skip)]
    pub refund: RefundId,
    /// The order that they were sold with.
    #[garde(skip)]
    pub order: OrderId,
    /// What comes back.
    #[garde(length(min = 1, max = 200), dive)]
    pub lines: Vec<ReserveLine>,
}

/// A product of which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// The product.
    pub product: ProductId,
    /// How many are wanted in all lines together.
    pub wanted: u32,
    /// How many could be had.
    pub available: u32,
}

impl Shortage {
    /// How it stands among the details of an error: the product as the field, and the numbers.
    #[must_use]
    pub fn detail(&self) -> FieldError {
        FieldError::new(
            self.product.to_string(),
            format!("{} wanted, {} available", self.wanted, self.available),
        )
    }

    /// Reads what [`Shortage::detail`] wrote; `None` for a detail of another kind.
    #[must_use]
    pub fn of_detail(detail: &FieldError) -> Option<Self> {
        let (wanted, available) = detail.message.strip_suffix(" available")?.split_once(" wanted, ")?;
        let product = detail.field.parse().ok()?;
        Some(Self { product, wanted: wanted.parse().ok()?, available: available.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_read_from_the_detail_that_tells_of_it() {
        let shortage = Shortage { product: ProductId::new(), wanted: 3, available: 0 };
        assert_eq!(Shortage::of_detail(&shortage.detail()), Some(shortage));
        assert_eq!(Shortage::of_detail(&FieldError::new("lines", "is empty")), None);
    }
}
