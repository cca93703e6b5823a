//! What the service does when others tell that something happened, a file an event.
//!
//! Products come and go with the catalog. An order concerns the inventory only in a choreography: there it reacts to what
//! happens to the order. In an orchestration the orders service asks for each step itself, and the events are passed over.
//!
//! Two subscriptions do not wait for each other, so an order that was called off may be heard of before it was confirmed, or
//! even before it was made. Whatever comes first, a reservation that was let go is neither made nor sold afterwards.

mod order_cancelled;
mod order_confirmed;
mod order_created;
mod order_failed;
mod product_created;
mod product_removed;

use crate::app::App;
use chassis::service::Parts;
use order_cancelled::UndoReservation;
use order_confirmed::LetGoodsLeave;
use order_created::ReserveStock;
use order_failed::ReleaseStock;
use product_created::BeginToCount;
use product_removed::StopSelling;

/// Adds the subscriptions.
pub(crate) fn subscribe(parts: Parts, app: &App) -> Parts {
    parts
        .on("product-created", BeginToCount(app.clone()))
        .on("product-removed", StopSelling(app.clone()))
        .on("order-created", ReserveStock(app.clone()))
        .on("order-confirmed", LetGoodsLeave(app.clone()))
        .on("order-failed", ReleaseStock(app.clone()))
        .on("order-cancelled", UndoReservation(app.clone()))
}
