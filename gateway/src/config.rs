//! Settings of the gateway.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// The gateway.
    pub struct GatewayConfig {
        /// Whether the API's description (/openapi.json) and its page (/docs) are served.
        docs: bool = true;
        /// Milliseconds that one part of a page (/api/v1/bff) may take; the page comes without one that takes longer.
        bff_part_ms: u64 = 1_000;
        /// Milliseconds for which what everybody sees of the catalog on such pages is kept before it is asked for again.
        bff_fresh_ms: u64 = 1_000;
        /// Seconds for which it is shown, marked as old, while the catalog does not answer.
        bff_stale_secs: u64 = 3_600;
        /// WebSockets to services behind this gateway that are open at once at most; further ones are refused with 503.
        tunnels: usize = 10_000;
        /// How many of them one client may have, by user or, without an access token, by address; further ones are refused with 429.
        tunnels_per_client: usize = 100;
        /// Seconds without a byte in either direction after which one is closed.
        tunnel_idle_secs: u64 = 120;
        /// Seconds that those which are open may go on when the process stops, before both sides are told.
        tunnel_grace_secs: u64 = 5;
    }
}

impl Validate for GatewayConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("bff_part_ms", self.bff_part_ms, 10..=30_000);
        problems.range("bff_fresh_ms", self.bff_fresh_ms, 1..=600_000);
        problems.range("bff_stale_secs", self.bff_stale_secs, 0..=86_400);
        problems.range("tunnels", self.tunnels, 0..=1_000_000);
        problems.range("tunnels_per_client", self.tunnels_per_client, 1..=1_000_000);
        problems.range("tunnel_idle_secs", self.tunnel_idle_secs, 1..=86_400);
        problems.range("tunnel_grace_secs", self.tunnel_grace_secs, 0..=600);
    }
}
