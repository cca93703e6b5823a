//! The operations listener: probes, metrics and the log level, apart from the public listener.
//!
//! It has a port, a thread and a runtime of its own, so that it answers while the main runtime is saturated; and it is
//! served before the services are built and until the very end of the stop, so that a probe always gets an answer.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /health` | 200 as long as the process lives; depends on nothing |
//! | `GET /ready` | 200, or 503 with what fails; also 503 while booting and while stopping |
//! | `GET /metrics` | Prometheus text format |
//! | `GET /info` | what runs here |
//! | `GET /jobs` | how the jobs of the services stand |
//! | `GET /audit` | whether what the services keep obeys their rules; reads everything |
//! | `GET /log-level`, `PUT /log-level` | `{"level":"info"}` |
//!
//! What must hold: a slow or silent client costs one of a bounded number of connections for a bounded time. Reading is
//! open to whoever reaches the port, which is why it listens on this machine only unless it is told otherwise. Changing
//! needs the token; without one configured it is possible in development from this machine, and not at all in production.

mod access;
mod answer;
mod routes;
mod server;

pub use routes::Info;

use crate::clock::Clock;
use crate::config::{Mode, Problems, Validate, settings};
use crate::health::Readiness;
use crate::telemetry::Telemetry;
use anyhow::Context as _;
use secrecy::SecretString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

settings! {
    /// The operations listener: health, readiness, metrics, log level.
    pub struct OpsConfig {
        /// Address of the operations listener. Whoever reaches it can read metrics; in a container `0.0.0.0`.
        host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        /// Port of the operations listener; 0 takes a free one.
        port: u16 = 9090, env "OPS_PORT";
        /// Bearer token that changing something needs. Without one, changes are possible in development from this
        /// machine, and not at all in production.
        token: Option<SecretString> = None;
    }
}

impl Validate for OpsConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if self.token.is_some() {
            problems.secret("token", self.token.as_ref(), mode);
        }
    }
}

/// What the operations listener tells about and acts on.
pub struct OpsState {
    /// Answers `/ready`.
    pub readiness: Readiness,
    /// Answers `/metrics` and `/log-level`.
    pub telemetry: Telemetry,
    /// Answers `/info`.
    pub info: Info,
    /// Decides whether changes without a token are possible.
    pub mode: Mode,
    /// Dates the answers.
    pub clock: Clock,
}

/// The operations listener, bound and not yet served.
#[derive(Debug)]
pub struct Ops {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<SecretString>,
}

impl Ops {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address is in use or not one of this machine's; the error names the settings.
    pub fn bind(config: &OpsConfig) -> anyhow::Result<Self> {
        let wanted = SocketAddr::new(config.host, config.port);
        let failed =
            || format!("the operations listener cannot use {wanted} (ops.host, ops.port or OPS_PORT)");
        let listener = TcpListener::bind(wanted).with_context(failed)?;
        listener.set_nonblocking(true).with_context(failed)?;
        let address = listener.local_addr().with_context(failed)?;
        Ok(Self { listener, address, token: config.token.clone() })
    }

    /// Where it listens, also when the port was left open.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, on a thread of its own.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn serve(self, state: OpsState) -> anyhow::Result<OpsHandle> {
        let closing = CancellationToken::new();
        let metrics = state.telemetry.metrics.clone();
        let router = routes::router(state, self.token);
        let server = server::Server::new(self.listener, router, metrics, closing.clone())?;
        let thread = std::thread::Builder::new().name("ops".to_owned()).spawn(move || server.run())?;
        Ok(OpsHandle { address: self.address, closing: closing.drop_guard(), thread })
    }
}

/// The operations listener while it is served. Dropping it ends it too, without waiting.
#[derive(Debug)]
pub struct OpsHandle {
    address: SocketAddr,
    closing: DropGuard,
    thread: JoinHandle<()>,
}

impl OpsHandle {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops answering. Blocks until what is being answered is answered, a second at most. The last step of a stop.
    pub fn stop(self) {
        drop(self.closing);
        if self.thread.join().is_err() {
            tracing::error!("the operations thread had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_an_error_that_names_the_setting() {
        let first = Ops::bind(&OpsConfig { port: 0, ..OpsConfig::default() }).unwrap();
        let second = Ops::bind(&OpsConfig { port: first.address().port(), ..OpsConfig::default() });
        let error = format!("{:#}", second.unwrap_err());
        assert!(error.contains("OPS_PORT") && error.contains("in use"), "{error}");
    }

    #[test]
    fn production_takes_no_token_and_no_guessable_one() {
        let problems = |token: Option<&str>| {
            let mut problems = Problems::new();
            let config = OpsConfig { token: token.map(SecretString::from), ..OpsConfig::default() };
            config.validate(Mode::Production, &mut problems);
            problems
        };
        assert!(problems(None).is_empty());
        assert!(!problems(Some("short")).is_empty());
    }
}
