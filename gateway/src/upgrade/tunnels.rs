//! All tunnels of this process: how many there are and whose, and which of them have to end.
//!
//! A connection that became a WebSocket is counted by nobody else any more: not by the listener, nor by what bounds requests
//! or calls to a service. So there are bounds here, in all and for one client, by user or by address.

use super::tunnel::Patience;
use crate::config::GatewayConfig;
use chassis::error::ApiError;
use chassis::http::{RequestContext, household};
use chassis::identity::{Ended, Principal, TokenError, Verifier};
use chassis::service::Context;
use chassis::stop::Stop;
use contract::ErrorCode;
use contract::ids::UserId;
use http::HeaderValue;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::TaskTracker;

/// How often tokens are looked at, for those that have ended; a revocation is heard at once.
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

/// A tunnel that ends with a token.
#[derive(Debug)]
struct Watched {
    principal: Principal,
    /// The header that brought it, for when a key was taken back.
    token: HeaderValue,
    end: oneshot::Sender<TokenError>,
}

/// A tunnel's place among the others, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    tunnels: Arc<Tunnels>,
    number: u64,
    client: Client,
}

impl Tunnels {
    pub(crate) fn new(context: &Context, config: &GatewayConfig) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            most: config.tunnels,
            most_each: config.tunnels_per_client,
            patience: Patience::with_idle(Duration::from_secs(config.tunnel_idle_secs)),
            grace: Duration::from_secs(config.tunnel_grace_secs),
            stop: context.stop().clone(),
            tasks: TaskTracker::new(),
            verifier: context.verifier().clone(),
        })
    }

    /// A place for one more, which ends with the token that asks for it. What is heard then is why it ended.
    pub(super) fn enter(
        self: &Arc<Self>,
        cx: &RequestContext,
        token: Option<(Principal, HeaderValue)>,
    ) -> Result<(Place, Option<oneshot::Receiver<TokenError>>), ApiError> {
        if self.stop.is_stopping() {
            return Err(ApiError::unavailable(anyhow::anyhow!("the gateway stops"), Duration::from_secs(1)));
        }
        let client = match &token {
            Some((principal, _)) => Client::User(principal.user()),
            None => Client::Address(household(cx.client_ip)),
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
        let ended = token.map(|(principal, token)| {
            let (end, ended) = oneshot::channel();
            open.watched.insert(number, Watched { principal, token, end });
            ended
        });
        Ok((Place { tunnels: Arc::clone(self), number, client }, ended))
    }

    /// Ends the tunnels whose tokens have ended, until the stop and then until the last of them is gone.
    pub(crate) async fn look_after(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
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
        let mut open = self.open();
        let why = |watched: &Watched| match closely {
            true => self.verifier.verify_header(&watched.token).map(drop),
            false => self.verifier.holds(&watched.principal),
        };
        let ended: Vec<(u64, TokenError)> = open
            .watched
            .iter()
            .filter_map(|(number, watched)| Some((*number, why(watched).err()?)))
            // While nobody can tell, it goes on.
            .filter(|(_, why)| *why != TokenError::Stale)
            .collect();
        for (number, why) in ended {
            if let Some(watched) = open.watched.remove(&number) {
                // Who does not listen any more has ended.
                watched.end.send(why).unwrap_or_default();
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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
