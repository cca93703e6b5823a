//! Where an order stands.

use crate::texts::texts;

texts! {
    /// Where an order stands. Who may do which transition is a table of the orders service.
    ///
    /// ```text
    /// PENDING -> CONFIRMED -> PROCESSING -> SHIPPED -> DELIVERED
    ///    |  ^        |             |           |           |
    ///    v  |        +-------------+           +-----------+
    ///  FAILED        v                         v
    ///  CANCELLED  CANCELLED                 REFUNDED
    /// ```
    OrderStatus {
        /// Placed; stock and payment are being settled.
        Pending = "PENDING",
        /// Stock is kept and the payment is good.
        Confirmed = "CONFIRMED",
        /// Being packed.
        Processing = "PROCESSING",
        /// On its way.
        Shipped = "SHIPPED",
        /// With the buyer.
        Delivered = "DELIVERED",
        /// Called off; what was paid is given back.
        Cancelled = "CANCELLED",
        /// Not sold: too little stock, or no payment. It may be tried again.
        Failed = "FAILED",
        /// All of it was given back.
        Refunded = "REFUNDED",
    }
}

texts! {
    /// How an order is brought to its buyer.
    ShippingMethod {
        /// In some days.
        Standard = "standard",
        /// In a few days.
        Express = "express",
        /// Tomorrow.
        Overnight = "overnight",
    }
}

texts! {
    /// Who leads a checkout.
    CheckoutFlow {
        /// The orders service asks the others, step by step.
        Orchestration = "orchestration",
        /// Services react to each other's events.
        Choreography = "choreography",
    }
}
