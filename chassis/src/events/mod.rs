//! Events between services: nothing is lost, and nothing takes effect twice.
//!
//! A service publishes into its *outbox*, a table in its own database, in the transaction of the change itself
//! ([`Outbox::publish`]). A relay carries the rows to the bus, in order by key. Another service *subscribes*
//! (`Parts::on`): what arrives is stored in its *inbox* and handled in a transaction in which the handler's effect, the
//! mark that the event was handled and the handler's own events commit together.
//!
//! What must hold:
//! - A committed event reaches every subscription of its type at least once, and takes effect in each exactly once.
//! - Events of one key are handled in the order in which they were published, also when one of them fails and is tried
//!   again; other keys do not wait for it.
//! - Nothing stops behind an event that cannot be handled: after its attempts it is a dead letter ([`DeadLetters`]).
//! - A bus that is away costs time and space in the outbox, no memory and no event.
//!
//! What it does not do: it gives no order between keys, and it forgets after `delivery.keep_days` that an event was
//! handled, which is longer than the bus keeps it. A subscription that is new begins with the oldest event that the bus
//! still has.

mod config;
mod dead;
mod dead_store;
mod inbox_store;
mod ingest;
mod outbox;
mod outbox_store;
mod pauses;
mod relay;
mod subscription;
mod watch;
mod worker;

pub use config::EventsConfig;
pub use dead::{DeadLetter, DeadLetters, Filter, ReplayError};
pub use outbox::{Outbox, PublishError};
pub use subscription::{Handled, Handler, HandlerError, Received, Several, Subscription};

pub(crate) use relay::Relay;
pub(crate) use watch::Watch;
pub(crate) use worker::Receiving;
