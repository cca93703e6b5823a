//! One instance of an upstream: where it is, how busy and how fast it is, and whether it is well.

use super::condition::{Condition, State};
use super::flight::Ending;
use super::hash::hash;
use super::idle::{Idle, threads};
use super::inner::Inner;
use super::line::Line;
use super::session::Sessions;
use chassis::peer::{Base, Latency};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Uri};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// What a failed attempt weighs in the latency of its instance at least, so that one that fails fast does not look fast.
const FAILURE_WEIGHS: Duration = Duration::from_secs(1);
/// Below this many microseconds one instance is as fast as another.
const AS_FAST: f64 = 200.0;

/// One instance.
pub(super) struct Instance {
    /// Its upstream, which hears when it fails.
    home: Weak<Inner>,
    /// The name of its upstream, for the log.
    upstream: Arc<str>,
    pub(super) base: Base,
    /// Its URL, by which the log and `explain` name it.
    pub(super) name: Arc<str>,
    /// Its number in hashes and cookies: the same in every replica.
    pub(super) token: u64,
    /// The host by which its certificate is looked at.
    pub(super) host_name: String,
    /// What `Host` says where a request does not say it itself.
    pub(super) host: HeaderValue,
    /// Where it is, when its URL says so and nobody has to be asked.
    pub(super) address: Option<SocketAddr>,
    pub(super) idle: Idle,
    pub(super) sessions: Sessions,
    pub(super) condition: Condition,
    /// Connections to it that are open.
    pub(super) open: Arc<AtomicU32>,
    in_flight: AtomicU32,
    latency: Latency,
}

impl Instance {
    /// `host` is what it is known by, `micros` the latency that it is taken to have until it is known.
    pub(super) fn new(
        home: &Weak<Inner>,
        upstream: Arc<str>,
        (base, host): (Base, &Authority),
        micros: f64,
    ) -> Self {
        let name: Arc<str> = base.to_string().into();
        #[expect(clippy::expect_used, reason = "an authority has no letters that a header may not have")]
        let header = HeaderValue::from_str(host.as_str()).expect("an authority");
        Self {
            home: home.clone(),
            upstream,
            token: hash(name.as_bytes()),
            name,
            host_name: host.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            host: header,
            address: base.host().parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port(&base))),
            base,
            idle: Idle::new(),
            sessions: Sessions::new(threads()),
            condition: Condition::default(),
            open: Arc::default(),
            in_flight: AtomicU32::new(0),
            latency: Latency::new(micros),
        }
    }

    /// What one more request costs here: those in its hands, each as long as the last ones took.
    pub(super) fn cost(&self, now: Instant) -> f64 {
        f64::from(self.in_flight() + 1) * (self.latency.micros_at(now) + AS_FAST)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn micros(&self) -> f64 {
        self.latency.micros()
    }

    pub(super) fn took_one(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(super) fn gave_back_one(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(super) fn connections(&self) -> u32 {
        self.open.load(Relaxed)
    }

    /// An attempt has ended, or its answer has begun, or the rest of that did not come.
    pub(super) fn ended(&self, ending: Ending, took: Duration, now: Instant) {
        match ending {
            Ending::Well => {
                self.latency.took_at(now, took);
                self.condition.succeeded();
            }
            Ending::WellAtFirst => self.condition.succeeded(),
            Ending::Unknown => self.latency.took_longer_than(took),
            Ending::Failed => {
                self.latency.took_at(now, took.max(FAILURE_WEIGHS));
                let failures = self.condition.failed();
                if let Some(home) = self.home.upgrade() {
                    home.failed(self, failures);
                }
            }
        }
    }

    /// Says in the log what has become of it.
    pub(super) fn tell(&self, state: State, why: &str) {
        let (upstream, instance, state) = (&*self.upstream, &*self.name, state.as_str());
        match state {
            "well" | "warming" => tracing::info!(upstream, instance, state, why, "an instance is back"),
            _ => tracing::warn!(upstream, instance, state, why, "an instance is left alone"),
        }
    }

    /// Keeps a connection for the next request when it may be used again.
    pub(super) fn park(&self, mut line: Line) {
        if line.is_free() {
            line.idle_since = Instant::now();
            line.is_new = false;
            self.idle.put(line);
        }
    }

    /// What a request's target becomes on its way here: no scheme and no host, and the path below that of the URL.
    ///
    /// # Errors
    /// When the two paths together are too long to be one.
    pub(super) fn target(&self, uri: &Uri) -> Result<Option<Uri>, http::uri::InvalidUri> {
        let prefix = self.base.prefix();
        if prefix.is_empty() {
            let is_origin_form = uri.scheme().is_none() && uri.authority().is_none();
            let path = || uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
            return Ok((!is_origin_form).then(|| Uri::from(path())));
        }
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        PathAndQuery::try_from(format!("{prefix}{path}")).map(|path| Some(Uri::from(path)))
    }
}

pub(super) fn port(base: &Base) -> u16 {
    base.port().unwrap_or(if base.is_tls() { 443 } else { 80 })
}
