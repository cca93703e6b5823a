//! Payments through their router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod choreography;
mod documents;
mod fake_orders;
mod logs;
mod public;
mod race;
mod reconcile;
mod schema;
mod stripe;
mod stripe_double;
mod suite;
mod support;
mod webhooks;
