//! The live channel: clients that stay connected are told what happens, by WebSocket (`/api/v1/ws`) or by server-sent events
//! (`/api/v1/stream`).
//!
//! ```text
//! events of the bus -> hear -> live_message -> tail -> hub -> session -> ws | stream -> client
//!                      (one group of all replicas)  (each replica)  \-> missed: what it has not seen
//! ```
//!
//! All replicas of the gateway share one database. One of them takes each event from the bus and writes what clients are told
//! of it into one history ([`store`]); each of them follows that history ([`tail`]) and tells those who are connected to it
//! ([`hub`]). Who comes back with the position of the last message that they have reads what is behind it ([`missed`]), and goes
//! on from there with nothing left out and nothing twice.
//!
//! What must hold: nobody is sent what they may not read by the API, by their token of that moment ([`session`]); a client that
//! does not read costs a bounded queue and then nothing; and an ordinary request of the gateway waits for none of this.

mod hear;
mod heed;
mod hub;
mod message;
mod missed;
mod out;
mod position;
mod session;
mod store;
mod stream;
mod sweep;
mod tail;
mod ws;

#[cfg(test)]
mod tests;

use crate::config::GatewayConfig;
use crate::origin::Origins;
use chassis::clock::Clock;
use chassis::db::{Db, DbError};
use chassis::identity::{Ended, Verifier};
use chassis::service::{Context, Parts};
use chassis::stop::Stop;
use chassis::wake::Wake;
use contract::auth::Revoked;
use hub::{Bounds, Hub};
use position::Epoch;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, Semaphore};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Clients that read what they have missed at once; others wait.
const TURNS: usize = 4;

/// The live channel of a process. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Channel(Arc<Inner>);

pub(crate) struct Inner {
    db: Db,
    clock: Clock,
    verifier: Arc<Verifier>,
    hub: Arc<Hub>,
    epoch: Epoch,
    /// Wakes every replica when something was added.
    added: Wake,
    /// Something was added here.
    added_here: Notify,
    /// For reading what was missed.
    turns: Semaphore,
    /// For connections that have not said who they are.
    unknown: Arc<Semaphore>,
    origins: Origins,
    keep: Duration,
    heartbeat: Duration,
    patience: Duration,
    /// How long a client may be behind.
    slow: Duration,
    most_topics: usize,
}

/// What a channel stands on.
struct Around {
    db: Db,
    clock: Clock,
    verifier: Arc<Verifier>,
    added: Wake,
    origins: Origins,
}

impl std::ops::Deref for Channel {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Channel {
    /// The channel of a gateway, from the end of the history on.
    pub(crate) async fn open(context: &Context, config: &GatewayConfig) -> anyhow::Result<Self> {
        let origins = Origins::new(&context.http().allowed_origins, context.public_url());
        let around = Around {
            db: context.db()?,
            clock: context.clock().clone(),
            verifier: Arc::clone(context.verifier()),
            added: context.wake("live"),
            origins,
        };
        Ok(Self::over(around, config).await?)
    }

    async fn over(around: Around, config: &GatewayConfig) -> Result<Self, DbError> {
        let Around { db, clock, verifier, added, origins } = around;
        let head = store::head(&db).await?;
        let bounds = Bounds {
            connections: config.live_max_connections,
            of_one_person: config.live_max_per_user,
            queue: config.live_queue,
        };
        Ok(Self(Arc::new(Inner {
            hub: Arc::new(Hub::new(bounds, head.position)),
            epoch: Epoch::new(&head.epoch),
            db,
            clock,
            verifier,
            added,
            added_here: Notify::new(),
            turns: Semaphore::new(TURNS),
            unknown: Arc::new(Semaphore::new(config.live_max_unknown)),
            origins,
            keep: Duration::from_secs(config.live_keep_secs),
            heartbeat: Duration::from_secs(config.live_heartbeat_secs),
            patience: Duration::from_secs(config.live_auth_secs),
            slow: Duration::from_secs(config.live_slow_secs),
            most_topics: config.live_max_topics,
        })))
    }

    /// Adds what it does besides answering.
    pub(crate) fn declare(&self, parts: Parts) -> Parts {
        let (tailing, listening) = (self.clone(), self.clone());
        hear::all(parts, self)
            .worker("live-tail", |stop| tail::tail(tailing, stop))
            .worker("live-logouts", |stop| listening.end_logouts(stop))
            .job(sweep::sweep(self.clone()))
    }

    /// Ends the connections of those who are not logged in any more.
    async fn end_logouts(self, stop: Stop) -> anyhow::Result<()> {
        let mut ended = self.verifier.ended();
        loop {
            let ended = tokio::select! {
                ended = ended.recv() => ended,
                () = stop.stopping() => return Ok(()),
            };
            match ended {
                Ok(Ended::Revoked(Revoked::Session { session })) => self.hub.end_session(session),
                Ok(Ended::Revoked(Revoked::User { user, version })) => self.hub.end_user(user, version),
                Ok(Ended::Key) => self.hub.key_is_gone(),
                Err(RecvError::Lagged(_)) => {
                    self.hub.key_is_gone();
                    self.hub.end_those(|who| self.verifier.still_holds(who).err().map(session::why));
                }
                Err(RecvError::Closed) => {
                    stop.stopping().await;
                    return Ok(());
                }
            }
        }
    }
}

/// The routes with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<Channel> {
    OpenApiRouter::with_openapi(described()).routes(routes!(ws::ws)).routes(routes!(stream::stream))
}

fn described() -> OpenApi {
    chassis::openapi::document("Bowline", "One API of all services.")
}
