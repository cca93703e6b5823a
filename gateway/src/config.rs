//! Settings of the gateway.

use chassis::config::{Mode, Problems, Validate, settings};
use secrecy::SecretString;
use std::path::PathBuf;

settings! {
    /// The gateway.
    pub struct GatewayConfig {
        /// Whether the API's description (/openapi.json) and its page (/docs) are served.
        docs: bool = true;
        /// File with routes to what is no service of the platform, and with rules for what is; docs/routes.md. None when it is
        /// not set.
        routes_file: Option<PathBuf> = None;
        /// Seconds between two looks at whether that file has changed. SIGHUP has it read at once.
        routes_reload_secs: u64 = 2;
        /// Seconds for which an API key is good as it was read last, without another look at the database.
        key_fresh_secs: u64 = 5;
        /// Seconds for which it goes on so while the database is away.
        key_stale_secs: u64 = 300;
        /// API keys that are remembered in each process; others are read when they are used.
        key_cache: u64 = 10_000;
        /// Secret that the cookies of browsers are sealed with which log in at a provider of the routes file. Made in the data
        /// folder in development when not set; without it no browser logs in in production.
        session_key: Option<SecretString> = None;
        /// Seconds for which such a login is good.
        session_secs: u64 = 28_800;
        /// Milliseconds that one part of a page (/api/v1/bff) may take; the page comes without one that takes longer.
        bff_part_ms: u64 = 1_000;
        /// Milliseconds for which what everybody sees of the catalog on such pages is kept before it is asked for again.
        bff_fresh_ms: u64 = 1_000;
        /// Seconds for which it is shown, marked as old, while the catalog does not answer.
        bff_stale_secs: u64 = 3_600;
        /// Bytes of memory for answers that routes keep (`cache` of a route); 0 keeps nothing.
        cache_bytes: u64 = 67_108_864;
        /// WebSockets to services behind this gateway that are open at once at most; further ones are refused with 503.
        tunnels: usize = 10_000;
        /// How many of them one client may have, by user or, without an access token, by address; further ones are refused with 429.
        tunnels_per_client: usize = 100;
        /// Seconds without a byte in either direction after which one is closed.
        tunnel_idle_secs: u64 = 120;
        /// Seconds that those which are open may go on when the process stops, before both sides are told.
        tunnel_grace_secs: u64 = 5;
        /// Seconds for which what is told live (/api/v1/ws, /api/v1/stream) is kept for clients that were away meanwhile.
        live_keep_secs: u64 = 86_400;
        /// Clients that stay connected at once, in each process. Each needs a file handle.
        live_max_connections: usize = 20_000;
        /// Connections of one person at once, in each process.
        live_max_per_user: usize = 20;
        /// Connections that have not said yet who they are, in each process.
        live_max_unknown: usize = 1_000;
        /// Seconds in which a connection has to say who it is.
        live_auth_secs: u64 = 10;
        /// Topics of one connection.
        live_max_topics: usize = 50;
        /// Messages that wait for a client in memory; one that has not read so many goes on from the database.
        live_queue: usize = 64;
        /// Seconds that a client may be behind; then it is told that it is too slow, and disconnected.
        live_slow_secs: u64 = 30;
        /// Seconds between two signs of life.
        live_heartbeat_secs: u64 = 25;
    }
}

impl Validate for GatewayConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if self.session_key.is_some() {
            problems.secret("session_key", self.session_key.as_ref(), mode);
        }
        problems.range("session_secs", self.session_secs, 60..=30 * 86_400);
        problems.range("routes_reload_secs", self.routes_reload_secs, 1..=3_600);
        problems.range("key_fresh_secs", self.key_fresh_secs, 1..=60);
        problems.range("key_stale_secs", self.key_stale_secs, self.key_fresh_secs * 2..=86_400);
        problems.range("key_cache", self.key_cache, 100..=10_000_000);
        problems.range("bff_part_ms", self.bff_part_ms, 10..=30_000);
        problems.range("bff_fresh_ms", self.bff_fresh_ms, 1..=600_000);
        problems.range("bff_stale_secs", self.bff_stale_secs, 0..=86_400);
        problems.range("cache_bytes", self.cache_bytes, 0..=1 << 40);
        problems.range("tunnels", self.tunnels, 0..=1_000_000);
        problems.range("tunnels_per_client", self.tunnels_per_client, 1..=1_000_000);
        problems.range("tunnel_idle_secs", self.tunnel_idle_secs, 1..=86_400);
        problems.range("tunnel_grace_secs", self.tunnel_grace_secs, 0..=600);
        problems.range("live_keep_secs", self.live_keep_secs, 60..=30 * 86_400);
        problems.range("live_max_connections", self.live_max_connections, 1..=1_000_000);
        problems.range("live_max_per_user", self.live_max_per_user, 1..=1_000_000);
        problems.range("live_max_unknown", self.live_max_unknown, 1..=1_000_000);
        problems.range("live_auth_secs", self.live_auth_secs, 1..=60);
        problems.range("live_max_topics", self.live_max_topics, 1..=1_000);
        problems.range("live_queue", self.live_queue, 1..=10_000);
        problems.range("live_slow_secs", self.live_slow_secs, 1..=3_600);
        problems.range("live_heartbeat_secs", self.live_heartbeat_secs, 1..=300);
    }
}
