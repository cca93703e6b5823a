//! Stands in for services that carts and lists need nothing of.

use axum::Router;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::service::{Context, Parts, Service, Spec};

settings! {
    /// A service that nobody asks.
    pub(crate) struct NoConfig {}
}

impl Validate for NoConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

macro_rules! absent {
    ($($type:ident = $name:literal),+) => {$(
        /// A service that has no routes.
        #[derive(Debug)]
        pub(crate) struct $type;

        impl Service for $type {
            const SPEC: Spec = Spec {
                name: $name,
                about: "A service that nobody asks",
                owns: &[$name],
                well_known: &[],
                door: false,
                needs: &[],
                database: None,
                events: &[],
                openapi: || chassis::openapi::document("Nothing", "Has no routes."),
            };

            type Config = NoConfig;

            async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
                Ok(Parts::new(Router::new()))
            }
        }
    )+};
}

absent!(NoInventory = "inventory", NoPayments = "payments");
