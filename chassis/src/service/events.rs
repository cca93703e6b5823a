//! The work behind a service's events.

use super::{Context, Worker};
use crate::events::{Receiving, Relay, Subscription, Watch};

impl Context {
    /// The work behind its events: to send what it publishes, to receive and handle what it subscribed to.
    pub(crate) fn event_workers(&self, subscriptions: Vec<Subscription>) -> anyhow::Result<Vec<Worker>> {
        let (Some(db), Some(outbox), Some(bus)) = (&self.db, &self.outbox, &self.bus) else {
            anyhow::ensure!(
                subscriptions.is_empty() && self.spec.events.is_empty(),
                "{} has events and declares no database in its SPEC, where they are kept",
                self.spec.name
            );
            return Ok(Vec::new());
        };
        let (bus, clock, config) = (bus.clone(), self.clock.clone(), self.events.clone());
        let mut workers = Vec::new();
        let handlers: Vec<&'static str> = Subscription::names(&subscriptions)?;
        if !self.spec.events.is_empty() {
            let relay = Relay::new(db.clone(), bus.clone(), outbox.clone(), config.clone(), clock.clone());
            workers.push(Worker::new("outbox", |stop| async move {
                relay.run(stop).await;
                Ok(())
            }));
        }
        if !subscriptions.is_empty() {
            let receiving = Receiving::new(db.clone(), bus, clock.clone(), config.clone());
            workers.push(Worker::new("inbox", |stop| async move {
                receiving.run(subscriptions, stop).await;
                Ok(())
            }));
        }
        if !workers.is_empty() {
            let watch = Watch { db: db.clone(), clock, config, handlers };
            workers.push(Worker::new("events", |stop| async move {
                watch.run(stop).await;
                Ok(())
            }));
        }
        Ok(workers)
    }
}
