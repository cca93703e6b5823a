//! The public listener: one runtime per core, each with its own socket on the same port (`SO_REUSEPORT`).
//!
//! A connection lives and ends on the thread that accepted it, with the client connections that its requests open, so
//! nothing is handed between cores. Binding happens before anything is built, so that an address in use is an error in
//! the first milliseconds; accepting begins with [`Listener::serve`].
//!
//! A listener has one door or two: plain HTTP, HTTPS, or HTTPS beside a plain door that may only lead to it.

mod clients;
mod connection;
mod door;
mod pulse;
mod wire;

use super::HttpConfig;
use super::front::Front;
use super::tls::{Acme, Tls};
use crate::stop::Stop;
use clients::Clients;
use connection::Serve;
use door::{Door, Kind};
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How long blocking work on a thread may take to end, when the thread does.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Sockets that are bound and do not accept yet.
#[derive(Debug)]
pub struct Listener {
    doors: Vec<Door>,
    acme: Option<Arc<Acme>>,
    threads: usize,
}

/// The threads of a listener that accepts.
#[derive(Debug)]
pub struct Serving {
    threads: Vec<JoinHandle<()>>,
    drained: watch::Receiver<usize>,
    release: watch::Sender<bool>,
}

impl Listener {
    /// Binds one socket a thread, for plain HTTP.
    ///
    /// # Errors
    /// When the address is in use or not this machine's; the message names the setting.
    pub fn bind(config: &HttpConfig) -> anyhow::Result<Self> {
        Self::bind_with(config, None)
    }

    /// Binds one socket a thread, and another for HTTPS where that has a port of its own.
    ///
    /// # Errors
    /// When an address is in use or not this machine's; the message names the setting.
    pub fn bind_with(config: &HttpConfig, tls: Option<&Arc<Tls>>) -> anyhow::Result<Self> {
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let main = "http.port (PORT) or http.host (BOWLINE_HTTP__HOST)";
        let wanted = SocketAddr::new(config.host, config.port);
        let Some(tls) = tls else {
            return Ok(Self {
                doors: vec![Door::bind(wanted, config, threads, Kind::Plain, main)?],
                acme: None,
                threads,
            });
        };
        let (secure, acme) = (Kind::Secure(tls.clone()), tls.acme().cloned());
        let Some(port) = tls.config().port else {
            return Ok(Self {
                doors: vec![Door::bind(wanted, config, threads, secure, main)?],
                acme,
                threads,
            });
        };
        let own = SocketAddr::new(config.host, port);
        anyhow::ensure!(
            own != wanted || port == 0,
            "tls.port is the same as http.port: leave it out for HTTPS alone"
        );
        let secure = Door::bind(
            own,
            config,
            threads,
            secure,
            "tls.port (BOWLINE_TLS__PORT) or http.host (BOWLINE_HTTP__HOST)",
        )?;
        let plain = match tls.config().redirect {
            true => Kind::Redirect(config.https_port().unwrap_or(secure.address.port())),
            false => Kind::Plain,
        };
        Ok(Self { doors: vec![Door::bind(wanted, config, threads, plain, main)?, secure], acme, threads })
    }

    /// Where it listens on `http.port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.doors[0].address
    }

    /// Where it speaks HTTPS, if it does.
    #[must_use]
    pub fn secure_address(&self) -> Option<SocketAddr> {
        let secure = self.doors.iter().find(|door| matches!(door.kind, Kind::Secure(_)));
        secure.map(|door| door.address)
    }

    /// Starts accepting. Connections are drained when `stop` says so; the threads live until [`Serving::join`], because
    /// pooled connections that were opened on them may still be in use. Dropping what is returned cuts everything.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn serve(self, front: &Front, config: &HttpConfig, stop: &Stop) -> anyhow::Result<Serving> {
        let (drained_by, drained) = watch::channel(0_usize);
        let drained_by = Arc::new(drained_by);
        let (release, released) = watch::channel(false);
        let mut doors: Vec<_> =
            self.doors.into_iter().map(|door| (door.sockets.into_iter(), door.kind)).collect();
        let clients = Clients::new(config);
        let mut threads = Vec::with_capacity(self.threads);
        for number in 0..self.threads {
            let mine: Vec<_> = doors
                .iter_mut()
                .filter_map(|(sockets, kind)| Some((sockets.next()?, kind.clone())))
                .collect();
            let (front, config, clients) = (front.clone(), config.clone(), clients.clone());
            let acme = self.acme.clone();
            let (stop, drained_by, mut released) = (stop.clone(), drained_by.clone(), released.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let serve = move || {
                let serving = async move {
                    let places = Arc::new(Semaphore::new(config.max_connections));
                    let accepting = mine.into_iter().map(|(socket, kind)| {
                        Serve::new(kind, &front, &config, &places, &clients, &acme).accept(socket, &stop)
                    });
                    // An error means that the owner is gone, which releases as well.
                    let drained = tokio::select! {
                        drained = join_all(accepting) => drained.into_iter().find_map(Result::err),
                        _ = released.wait_for(|released| *released) => return,
                    };
                    if let Some(error) = drained {
                        tracing::error!(%error, "the public listener cannot accept");
                    }
                    drained_by.send_modify(|threads| *threads += 1);
                    drop(released.wait_for(|released| *released).await);
                };
                runtime.block_on(serving);
                // Dropping it would wait for blocking work that hangs, and the stop has a deadline.
                runtime.shutdown_timeout(LAST_WORDS);
            };
            threads.push(std::thread::Builder::new().name(format!("http-{number}")).spawn(serve)?);
        }
        Ok(Serving { threads, drained, release })
    }
}

impl Serving {
    /// Resolves when every connection has ended after the stop.
    pub async fn drained(&self) {
        let all = self.threads.len();
        // An error means that the threads are gone, so nothing is left to drain.
        drop(self.drained.clone().wait_for(|threads| *threads == all).await);
    }

    /// Ends the threads; connections that are still open are cut.
    pub fn join(self) {
        self.release.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the public listener panicked");
            }
        }
    }
}
