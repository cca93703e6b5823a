//! All tunnels of this process: how many there are and whose, and which of them have to end.
//!
//! A connection that became a WebSocket is counted by nobody else any more: not by the listener, nor by what bounds requests
//! or calls to a service. So there are bounds here, in all and for one client, by user or by address.

use super::opener::{Opener, key_is_over};
use super::tunnel::{End, Patience};
use crate::config::GatewayConfig;
use crate::keys::{Held, Keys};
use chassis::clock::Clock;
use chassis::error::ApiError;
use chassis::http::{RequestContext, household};
use chassis::identity::{Ended, Verifier};
use chassis::service::Context;
use chassis::stop::Stop;
use contract::ErrorCode;
use contract::ids::UserId;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::TaskTracker;

/// How often tokens and keys are looked at, for those that have ended; the revocation of a token is heard at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Revocations that come together are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// All tunnels of this process.
#[derive(Debug)]
pub(crate) struct Tunnels {
    open: Mutex<Open>,
    most: usize,
    most_each: usize,
    pub(super) patience: Patience,
    pub(super) grace: Duration,
    pub(super) stop: Stop,
    pub(super) tasks: TaskTracker,
    verifier: Arc<Verifier>,
    keys: Keys,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: usize,
    by_client: HashMap<Client, usize>,
    watched: HashMap<u64, Watched>,
}

/// Whose tunnel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    User(UserId),
    /// A household has a whole /64 of IPv6.
    Address(IpAddr),
}

/// A tunnel that ends with what opened it.
#[derive(Debug)]
struct Watched {
    opener: Opener,
    end: oneshot::Sender<End>,
}

/// A tunnel's place among the others, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    tunnels: Arc<Tunnels>,
    number: u64,
    client: Client,
}

impl Tunnels {
    pub(crate) fn new(context: &Context, config: &GatewayConfig, keys: Keys) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            most: config.tunnels,
            most_each: config.tunnels_per_client,
            patience: Patience::with_idle(Duration::from_secs(config.tunnel_idle_secs)),
            grace: Duration::from_secs(config.tunnel_grace_secs),
            stop: context.stop().clone(),
            tasks: TaskTracker::new(),
            verifier: context.verifier().clone(),
            keys,
            clock: context.clock().clone(),
        })
    }

    /// A place for one more, which ends with what let its opener in. What is heard then is why.
    pub(super) fn enter(
        self: &Arc<Self>,
        cx: &RequestContext,
        opener: Option<Opener>,
    ) -> Result<(Place, Option<oneshot::Receiver<End>>), ApiError> {
        if self.stop.is_stopping() {
            return Err(ApiError::unavailable(anyhow::anyhow!("the gateway stops"), Duration::from_secs(1)));
        }
        let client = match &opener {
            Some(Opener::User(principal, _)) => Client::User(principal.user()),
            Some(Opener::Key(_) | Opener::Person(_)) | None => Client::Address(household(cx.client_ip)),
        };
        let mut open = self.open();
        if open.all >= self.most {
            let message = "Too many open connections at the moment. Try again shortly.";
            return Err(ApiError::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(5)));
        }
        let own = open.by_client.entry(client).or_default();
        if *own >= self.most_each {
            let message = "Too many open connections of this client: close one first.";
            return Err(ApiError::new(ErrorCode::RateLimited, message).retry_after(Duration::from_secs(5)));
        }
        *own += 1;
        open.all += 1;
        open.next += 1;
        let number = open.next;
        let over = opener.map(|opener| {
            let (end, over) = oneshot::channel();
            open.watched.insert(number, Watched { opener, end });
            over
        });
        Ok((Place { tunnels: Arc::clone(self), number, client }, over))
    }

    /// Ends the tunnels whose openers have nothing any more that lets them in, until the stop and then until the last tunnel is
    /// gone.
    pub(crate) async fn look_after(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
        tokio::select! {
            gone = self.look_after_tokens(stop) => gone,
            never = self.look_after_keys() => never,
        }
    }

    /// Apart from the others: a look at a key may wait for the database.
    async fn look_after_keys(&self) -> anyhow::Result<()> {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let held = |(number, watched): (&u64, &Watched)| match &watched.opener {
                Opener::Key(held) => Some((*number, held.clone())),
                Opener::User(..) | Opener::Person(_) => None,
            };
            let held: Vec<(u64, Held)> = self.open().watched.iter().filter_map(held).collect();
            for (number, held) in held {
                if let Some(end) = key_is_over(&self.keys, &held).await {
                    self.open().end(number, end);
                }
            }
        }
    }

    async fn look_after_tokens(&self, stop: Stop) -> anyhow::Result<()> {
        let mut news = self.verifier.ended();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let all_gone = async {
            stop.stopping().await;
            self.tasks.close();
            self.tasks.wait().await;
        };
        tokio::pin!(all_gone);
        loop {
            let closely = tokio::select! {
                _ = ticks.tick() => false,
                heard = news.recv() => {
                    sleep(TOGETHER).await;
                    let others = std::iter::from_fn(|| match news.try_recv() {
                        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
                        heard => Some(heard.ok()),
                    });
                    // What was missed may have been anything.
                    let revoked = |heard| matches!(heard, Some(Ended::Revoked(_)));
                    !others.chain([heard.ok()]).all(revoked)
                }
                () = &mut all_gone => return Ok(()),
            };
            self.end_what_has_ended(closely);
        }
    }

    /// Looks at every token; closely at its signature too, which only matters when a key was taken back.
    fn end_what_has_ended(&self, closely: bool) {
        let (mut open, now) = (self.open(), self.clock.now());
        let why = |watched: &Watched| watched.opener.is_over(&self.verifier, now, closely);
        let ended = open.watched.iter().filter_map(|(number, watched)| Some((*number, why(watched)?)));
        let ended: Vec<(u64, End)> = ended.collect();
        ended.into_iter().for_each(|(number, end)| open.end(number, end));
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends a tunnel, if it is still open.
    fn end(&mut self, number: u64, end: End) {
        if let Some(watched) = self.watched.remove(&number) {
            // Who does not listen any more has ended.
            watched.end.send(end).unwrap_or_default();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.tunnels.open();
        open.all -= 1;
        open.watched.remove(&self.number);
        if let Some(own) = open.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                open.by_client.remove(&self.client);
            }
        }
    }
}
