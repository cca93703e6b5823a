//! Settings of the gateway.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// The gateway.
    pub struct GatewayConfig {
        /// Whether the API's description (/openapi.json) and its page (/docs) are served.
        docs: bool = true;
    }
}

impl Validate for GatewayConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}
