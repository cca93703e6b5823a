//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`], keeps with [`crate::store`] and
//! asks a [`crate::provider`].
//!
//! A provider is asked in no transaction, and never before what the call may use is reserved. Whoever dies in between leaves a
//! reservation with a time at which somebody else ends it.

mod answer;
mod audit;
mod begin;
mod budgets;
mod conversations;
mod making;
mod patience;
mod reports;
mod spend;
mod turn;

pub(crate) use turn::{Asker, Sent, Told, carry_out_turns};

use crate::config::AssistantConfig;
use crate::knowledge::Knowledge;
use crate::provider::offer::Offer;
use crate::provider::upstream::Upstream;
use crate::tools::Tools;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::http::outgoing::Outgoing;
use chassis::service::Context;
use chassis::stop::Stop;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use turn::Turn;

/// The service, shared by its handlers and its jobs.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Inner>);

/// What the service is made of.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) knowledge: Knowledge,
    pub(crate) tools: Tools,
    pub(crate) config: AssistantConfig,
    /// In the order in which they are tried.
    pub(crate) upstreams: Vec<Upstream>,
    /// Where questions go that are to be answered.
    turns: mpsc::UnboundedSender<Turn>,
    /// Places for answers that are made at once.
    places: Arc<Semaphore>,
    stop: Stop,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Questions that wait for the worker that has them answered.
pub(crate) type Turns = mpsc::UnboundedReceiver<Turn>;

impl App {
    /// The service, and the questions that it is asked, for its worker.
    pub(crate) fn new(config: AssistantConfig, context: &Context) -> anyhow::Result<(Self, Turns)> {
        let (db, clock) = (context.db()?, context.clock().clone());
        let offers = Offer::read_all(&config.providers, &config.provider_keys, context.mode())
            .map_err(|wrong| anyhow::anyhow!("assistant.{} {}", wrong.setting, wrong.message))?;
        let client = Outgoing::new()?;
        let upstream = |offer| Upstream::new(offer, client.clone(), config.breaker());
        // Bounded by the places: nothing is sent without one.
        let (turns, asked) = mpsc::unbounded_channel();
        let places = usize::try_from(config.max_answers).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let app = Self(Arc::new(Inner {
            knowledge: Knowledge::new(db.clone(), clock.clone(), &config),
            tools: Tools::new(context, &config)?,
            upstreams: offers.into_iter().map(upstream).collect(),
            turns,
            places: Arc::new(Semaphore::new(places)),
            stop: context.stop().clone(),
            db,
            clock,
            config,
        }));
        Ok((app, asked))
    }
}
