//! What a service does when an event arrives.

use crate::clock::Ts;
use crate::db::Tx;
use contract::event::{CloudEvent, Event, ReadError, topic_of};
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// Handles events of one type.
///
/// What it writes goes through `t`, together with the mark that the event was handled and with the events that it
/// publishes itself: all of it is committed, or nothing is. It calls no one else while it does so: on SQLite `t` is the
/// one writer, and what a call has done cannot be undone. Long work is a job or a saga that the handler starts.
pub trait Handler<E: Event>: Send + Sync + 'static {
    /// Handles one event. It may be called again for the same event when what it did was not committed.
    fn handle(&self, t: &mut Tx, event: Received<E>) -> impl Future<Output = Handled> + Send;

    /// Whether this event concerns the handler at all; by default every one does. What does not is passed over when it
    /// arrives: nothing is kept of it, and a later release that wants it does not get it. It looks at nothing but the
    /// event.
    fn wants(&self, _event: &E) -> bool {
        true
    }
}

/// How the handling ended.
pub type Handled = Result<(), HandlerError>;

/// An event as its handler gets it.
#[derive(Debug, Clone)]
pub struct Received<E> {
    /// Its id: the same however often it is delivered.
    pub id: Uuid,
    /// The aggregate it is about.
    pub subject: String,
    /// When it happened.
    pub time: Ts,
    /// Who published it.
    pub source: String,
    /// What all that follows from one user action has in common.
    pub correlation_id: Option<String>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What happened, in the newest version.
    pub data: E,
}

/// Why an event was not handled.
#[derive(Debug)]
pub struct HandlerError {
    pub(super) error: anyhow::Error,
    pub(super) hopeless: bool,
}

impl HandlerError {
    /// Trying again will not help: the event becomes a dead letter at once.
    pub fn reject(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hopeless: true }
    }
}

/// Anything else may pass: the event is tried again, and its key waits.
impl<E: Into<anyhow::Error>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self { error: error.into(), hopeless: false }
    }
}

/// Handlers with their name, the types of their events put aside. They are of one topic.
#[derive(Clone)]
pub struct Subscription {
    pub(super) name: &'static str,
    kinds: Arc<[Kind]>,
}

/// The type of an event, and what is done with it.
#[derive(Clone)]
struct Kind {
    name: &'static str,
    handler: Arc<dyn AnyHandler>,
}

/// Handlers of several events of one topic, for [`Parts::on_each`](crate::service::Parts::on_each): events of one key are
/// handled in the order in which they were published, whatever type they are. Subscriptions of their own keep no order
/// among each other.
#[must_use]
pub struct Several(Vec<Kind>);

impl Several {
    /// Begins with the handler of one.
    pub fn of<E: Event>(handler: impl Handler<E>) -> Self {
        Self(vec![Kind::of(handler)])
    }

    /// Adds the handler of another of the same topic.
    pub fn and<E: Event>(mut self, handler: impl Handler<E>) -> Self {
        self.0.push(Kind::of(handler));
        self
    }
}

impl Kind {
    fn of<E: Event>(handler: impl Handler<E>) -> Self {
        Self { name: E::TYPE, handler: Arc::new(Typed(handler, PhantomData)) }
    }
}

impl fmt::Debug for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|kind| kind.name)).finish()
    }
}

/// A handler, the type of its events put aside.
trait AnyHandler: Send + Sync {
    fn wants(&self, envelope: &CloudEvent) -> bool;

    fn handle<'t>(
        &'t self,
        t: &'t mut Tx,
        envelope: CloudEvent,
        attempt: u32,
    ) -> BoxFuture<'t, Result<(), Unhandled>>;
}

struct Typed<E, H>(H, PhantomData<fn(E)>);

impl<E: Event, H: Handler<E>> AnyHandler for Typed<E, H> {
    fn wants(&self, envelope: &CloudEvent) -> bool {
        // What cannot be read is for `handle`, which says why.
        envelope.read().map_or(true, |event: E| self.0.wants(&event))
    }

    fn handle<'t>(
        &'t self,
        t: &'t mut Tx,
        envelope: CloudEvent,
        attempt: u32,
    ) -> BoxFuture<'t, Result<(), Unhandled>> {
        Box::pin(async move {
            let data: E = match envelope.read() {
                Ok(data) => data,
                Err(error @ ReadError::Newer { .. }) => return Err(Unhandled::Newer(error)),
                Err(error) => return Err(Unhandled::Failed(HandlerError::reject(error))),
            };
            let CloudEvent { id, subject, time, source, correlation_id, .. } = envelope;
            let time = Ts::from_datetime(time);
            let event = Received { id, subject, time, source, correlation_id, attempt, data };
            self.0.handle(t, event).await.map_err(Unhandled::Failed)
        })
    }
}

/// Why nothing came of a delivery.
#[derive(Debug)]
pub(super) enum Unhandled {
    /// The handler, or what the event is made of, failed.
    Failed(HandlerError),
    /// Its version is newer than this process knows.
    Newer(ReadError),
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("name", &self.name)
            .field("kinds", &self.kinds.iter().map(|kind| kind.name).collect::<Vec<_>>())
            .finish()
    }
}

impl Subscription {
    /// A handler by the name under which its progress is kept: that stays, whatever the code is called.
    pub(crate) fn new<E: Event>(name: &'static str, handler: impl Handler<E>) -> Self {
        Self::several(name, Several::of(handler))
    }

    /// Handlers of several events of one topic by one name.
    pub(crate) fn several(name: &'static str, several: Several) -> Self {
        Self { name, kinds: several.0.into() }
    }

    /// The names, each of which must be there once and fit into the names of a broker. Events by one name are of one topic,
    /// each once.
    pub(crate) fn names(subscriptions: &[Self]) -> anyhow::Result<Vec<&'static str>> {
        let mut names: Vec<&'static str> = Vec::new();
        for subscription in subscriptions {
            let Self { name, kinds } = subscription;
            for (place, kind) in kinds.iter().enumerate() {
                anyhow::ensure!(
                    topic_of(kind.name) == subscription.topic()
                        && !kinds[..place].iter().any(|other| other.name == kind.name),
                    "the subscription {name:?} must have events of one topic, each once: see {}",
                    kind.name
                );
            }
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            anyhow::ensure!(
                !name.is_empty() && name.len() <= 40 && name.chars().all(is_plain),
                "the subscription {name:?} needs a name of up to 40 lower-case letters, digits and -"
            );
            anyhow::ensure!(!names.contains(name), "there are two subscriptions {name:?}: names are unique");
            names.push(name);
        }
        Ok(names)
    }

    pub(super) fn topic(&self) -> &'static str {
        topic_of(self.first())
    }

    /// The type of its events; of several, the first.
    pub(super) fn first(&self) -> &'static str {
        self.kinds.first().map_or("", |kind| kind.name)
    }

    /// Whether events of a type are for it.
    pub(super) fn knows(&self, kind: &str) -> bool {
        self.kind(kind).is_some()
    }

    /// Whether an event concerns the handler of its type.
    pub(super) fn wants(&self, envelope: &CloudEvent) -> bool {
        let kind = envelope.kind_and_version().and_then(|(kind, _)| self.kind(kind));
        kind.is_some_and(|kind| kind.handler.wants(envelope))
    }

    fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    pub(super) fn handle<'t>(
        &'t self,
        t: &'t mut Tx,
        envelope: CloudEvent,
        attempt: u32,
    ) -> BoxFuture<'t, Result<(), Unhandled>> {
        let kind = envelope.kind_and_version().map_or("", |(kind, _)| kind);
        match self.kind(kind) {
            Some(known) => known.handler.handle(t, envelope, attempt),
            // Stored by a release that wanted it, handled by one that does not.
            None => {
                let error = anyhow::anyhow!("nothing handles events of the type {kind:?}");
                Box::pin(std::future::ready(Err(Unhandled::Failed(HandlerError::reject(error)))))
            }
        }
    }
}
