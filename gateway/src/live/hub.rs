//! Who is connected to this process, and what each wants to be told of.
//!
//! A message is looked up by whom and what it is about, so telling costs what the connections cost that want it, not what all
//! of them do. Each has a bounded queue. Who lets theirs fill up falls behind: they are told no more, find the end of their
//! queue, and go on from the history ([`Hub::resume`]). One lock guards all of it, is held for one message at a time, and never
//! while anything is waited for.
//!
//! What must hold: a message is in the queues before [`Hub::head`] passes it, and a subscription begins at a head that is read
//! under the same lock. So whoever reads what was before that head, and then their queue, has everything once.

use super::message::Message;
use chassis::identity::Principal;
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, SessionId, UserId};
use contract::live::{LogoutReason, Subscription, Topic, Which};
use metrics::gauge;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Notify;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;
use uuid::Uuid;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    WebSocket,
    Stream,
}

impl Way {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Stream => "stream",
        }
    }
}

/// Why a connection is told of nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process stops, or cannot go on telling.
    Bye,
    /// It is not logged in any more.
    Logout(LogoutReason),
}

/// Why there is no place for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// As many are connected as may be.
    House,
    /// As many connections of one person.
    Person,
    /// The process stops.
    Stopping,
}

/// The connections of a process.
#[derive(Debug)]
pub(super) struct Hub {
    inner: Mutex<Inner>,
    /// The position of the last message that was told.
    head: AtomicI64,
    /// Grows when a key was taken back: everybody's token is to be looked at again.
    keys: AtomicU64,
    seats: [AtomicUsize; 2],
    left: Notify,
    bounds: Bounds,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) connections: usize,
    pub(super) of_one_person: usize,
    pub(super) queue: usize,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    closed: bool,
    entries: HashMap<u64, Entry>,
    by_address: HashMap<Address, Vec<u64>>,
    by_user: HashMap<UserId, Vec<u64>>,
    by_session: HashMap<SessionId, Vec<u64>>,
}

/// A connection that is told.
#[derive(Debug)]
struct Entry {
    who: Principal,
    /// `None` while it is behind.
    queue: Option<Sender<Arc<Message>>>,
    behind: Option<Behind>,
    fate: Arc<OnceLock<Fate>>,
    /// What it wants to be told of, and from behind which position.
    topics: Vec<(Subscription, i64)>,
    /// The last message in its queue: it may be wanted for more than one reason.
    told: i64,
}

/// Since when, and from where on, a connection was not told what it wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    /// Everything up to here was in its queue.
    pub(super) after: i64,
    pub(super) since: Instant,
}

/// Under what a subscription is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Address {
    User(Topic, UserId),
    /// Those who have exactly this role.
    Members(Topic, OrganizationId, OrganizationRole),
    Resource(Topic, Uuid),
    All(Topic),
}

/// A place in the hub, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    pub(super) id: u64,
    way: Way,
    fate: Arc<OnceLock<Fate>>,
}

impl Hub {
    /// Nobody yet; everything up to `head` is past.
    pub(super) fn new(bounds: Bounds, head: i64) -> Self {
        Self {
            inner: Mutex::default(),
            head: AtomicI64::new(head),
            keys: AtomicU64::new(0),
            seats: Default::default(),
            left: Notify::new(),
            bounds,
        }
    }

    /// The position of the last message that was told: everything up to it is in the queues of those who want it.
    pub(super) fn head(&self) -> i64 {
        self.head.load(Ordering::Acquire)
    }

    /// Another number whenever a key was taken back.
    pub(super) fn keys(&self) -> u64 {
        self.keys.load(Ordering::Acquire)
    }

    /// A key was taken back.
    pub(super) fn key_is_gone(&self) {
        self.keys.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a place for somebody, who is told of nothing yet.
    pub(super) fn join(
        self: &Arc<Self>,
        who: &Principal,
        way: Way,
    ) -> Result<(Seat, Receiver<Arc<Message>>), Full> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Full::Stopping);
        }
        if self.seats.iter().map(|taken| taken.load(Ordering::Relaxed)).sum::<usize>()
            >= self.bounds.connections
        {
            return Err(Full::House);
        }
        let mine = inner.by_user.entry(who.user()).or_default();
        if mine.len() >= self.bounds.of_one_person {
            return Err(Full::Person);
        }
        let (queue, told) = mpsc::channel(self.bounds.queue);
        let fate = Arc::new(OnceLock::new());
        inner.last += 1;
        let id = inner.last;
        inner.by_user.entry(who.user()).or_default().push(id);
        inner.by_session.entry(who.session()).or_default().push(id);
        let (who, queue) = (who.clone(), Some(queue));
        let entry = Entry { who, queue, behind: None, fate: Arc::clone(&fate), topics: Vec::new(), told: 0 };
        inner.entries.insert(id, entry);
        self.count(way, |seats| seats.fetch_add(1, Ordering::Relaxed) + 1);
        Ok((Seat { hub: Arc::clone(self), id, way, fate }, told))
    }

    /// Tells a connection of these from the head on, or from behind `after` if that is later, and says where that is. `None`
    /// when it is told of nothing any more.
    pub(super) fn subscribe(&self, id: u64, topics: &[Subscription], after: i64) -> Option<i64> {
        let mut inner = self.lock();
        let from = self.head().max(after);
        inner.rewire(id, |entry| {
            entry.topics.retain(|(topic, _)| !topics.contains(topic));
            entry.topics.extend(topics.iter().map(|topic| (*topic, from)));
        })?;
        Some(from)
    }

    /// Tells a connection of these no more.
    pub(super) fn unsubscribe(&self, id: u64, topics: &[Subscription]) {
        self.lock().rewire(id, |entry| entry.topics.retain(|(topic, _)| !topics.contains(topic)));
    }

    /// The person has brought another token: what they may hear follows from that one.
    pub(super) fn renew(&self, id: u64, who: &Principal) {
        let mut inner = self.lock();
        let before = inner.entries.get(&id).map(|entry| entry.who.session());
        let renewed = inner.rewire(id, |entry| entry.who = who.clone());
        if let (Some(()), Some(before)) = (renewed, before) {
            forget(&mut inner.by_session, &before, id);
            inner.by_session.entry(who.session()).or_default().push(id);
        }
    }

    /// Puts a message into the queues of those who want it and may read it, and moves the head on. Says how many.
    pub(super) fn tell(&self, message: &Arc<Message>) -> usize {
        let mut inner = self.lock();
        let Inner { entries, by_address, .. } = &mut *inner;
        let (mut told, mut behind) = (0, Vec::new());
        for address in addresses_of(message) {
            for id in by_address.get(&address).into_iter().flatten() {
                let Some(entry) = entries.get_mut(id) else { continue };
                if entry.told >= message.position || !entry.wants(message) {
                    continue;
                }
                entry.told = message.position;
                let Some(queue) = &entry.queue else { continue };
                match queue.try_send(Arc::clone(message)) {
                    Ok(()) => told += 1,
                    Err(TrySendError::Full(_)) => behind.push(*id),
                    // It is on its way out.
                    Err(TrySendError::Closed(_)) => {}
                }
            }
        }
        for id in behind {
            inner.fall_behind(id, message.position - 1);
        }
        self.head.store(message.position, Ordering::Release);
        told
    }

    /// Another queue for a connection that has come to the end of its own, and from where on it has missed what it wants;
    /// `None` when it is told of nothing any more.
    pub(super) fn resume(&self, id: u64) -> Option<(Receiver<Arc<Message>>, Behind)> {
        let mut inner = self.lock();
        let entry = inner.entries.get_mut(&id)?;
        let behind = entry.behind.take()?;
        let (queue, told) = mpsc::channel(self.bounds.queue);
        entry.queue = Some(queue);
        Some((told, behind))
    }

    /// Moves the head past what nobody is told.
    pub(super) fn pass(&self, position: i64) {
        let _inner = self.lock();
        self.head.fetch_max(position, Ordering::AcqRel);
    }

    /// Moves the head on if nobody is connected; says whether that is so.
    pub(super) fn pass_if_empty(&self, position: i64) -> bool {
        let inner = self.lock();
        let empty = inner.entries.is_empty();
        if empty {
            self.head.fetch_max(position, Ordering::AcqRel);
        }
        empty
    }

    /// Whether nobody is connected.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    /// A session has ended.
    pub(super) fn end_session(&self, session: SessionId) {
        let mut inner = self.lock();
        for id in inner.by_session.get(&session).cloned().unwrap_or_default() {
            inner.end(id, Fate::Logout(LogoutReason::SessionEnded));
        }
    }

    /// The tokens of a person of versions below this one have ended.
    pub(super) fn end_user(&self, user: UserId, version: i64) {
        let mut inner = self.lock();
        for id in inner.by_user.get(&user).cloned().unwrap_or_default() {
            if inner.entries.get(&id).is_some_and(|entry| entry.who.version() < version) {
                inner.end(id, Fate::Logout(LogoutReason::RightsChanged));
            }
        }
    }

    /// Ends those of whom it is so.
    pub(super) fn end_those(&self, fate: impl Fn(&Principal) -> Option<Fate>) {
        let mut inner = self.lock();
        let ends = inner.entries.iter().filter_map(|(id, entry)| Some((*id, fate(&entry.who)?)));
        for (id, fate) in ends.collect::<Vec<_>>() {
            inner.end(id, fate);
        }
    }

    /// Ends all connections and takes no more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.end_those(|_| Some(Fate::Bye));
    }

    /// Resolves when every place was given back.
    pub(super) async fn emptied(&self) {
        loop {
            let mut left = pin!(self.left.notified());
            left.as_mut().enable();
            if self.seats.iter().all(|taken| taken.load(Ordering::Relaxed) == 0) {
                return;
            }
            left.await;
        }
    }

    fn count(&self, way: Way, change: impl FnOnce(&AtomicUsize) -> usize) {
        let now = change(&self.seats[way as usize]);
        gauge!("live_connections", "way" => way.as_str()).set(now as f64);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Changes an entry, and under what it is found. `None` when there is none.
    fn rewire(&mut self, id: u64, change: impl FnOnce(&mut Entry)) -> Option<()> {
        let entry = self.entries.get_mut(&id)?;
        let before = entry.addresses();
        change(entry);
        let now = entry.addresses();
        for address in before.iter().filter(|address| !now.contains(address)) {
            forget(&mut self.by_address, address, id);
        }
        for address in now.into_iter().filter(|address| !before.contains(address)) {
            self.by_address.entry(address).or_default().push(id);
        }
        Some(())
    }

    /// Ends an entry's queue. What it is to be told of is with whoever reads the queue, and comes back with them.
    fn fall_behind(&mut self, id: u64, after: i64) {
        self.rewire(id, |entry| {
            entry.queue = None;
            entry.behind = Some(Behind { after, since: Instant::now() });
            entry.topics.clear();
        });
    }

    /// Takes an entry out. Whoever reads its queue finds the end of it, and why.
    fn end(&mut self, id: u64, fate: Fate) {
        if let Some(entry) = self.remove(id) {
            // Only the first counts.
            entry.fate.get_or_init(|| fate);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        for address in entry.addresses() {
            forget(&mut self.by_address, &address, id);
        }
        forget(&mut self.by_user, &entry.who.user(), id);
        forget(&mut self.by_session, &entry.who.session(), id);
        Some(entry)
    }
}

impl Entry {
    fn wants(&self, message: &Message) -> bool {
        let wanted = |(topic, from): &(Subscription, i64)| {
            message.position > *from && message.is_for(topic, &self.who)
        };
        self.topics.iter().any(wanted)
    }

    /// Under what it is found, each once.
    fn addresses(&self) -> Vec<Address> {
        let mut all = Vec::with_capacity(self.topics.len());
        for (Subscription { topic, which }, _) in &self.topics {
            match which {
                Which::Mine => {
                    all.push(Address::User(*topic, self.who.user()));
                    let memberships = self.who.memberships().iter();
                    all.extend(memberships.map(|of| Address::Members(*topic, of.id, of.role)));
                }
                Which::Of(resource) => all.push(Address::Resource(*topic, *resource)),
                Which::All => all.push(Address::All(*topic)),
            }
        }
        all
    }
}

/// Where those are found who may want a message.
fn addresses_of(message: &Message) -> impl Iterator<Item = Address> {
    let (topic, readers) = (message.topic, message.readers);
    let members = readers.organization.into_iter().flat_map(move |(organization, at_least)| {
        let roles = OrganizationRole::ALL.iter().filter(move |role| **role >= at_least);
        roles.map(move |role| Address::Members(topic, organization, *role))
    });
    let user = readers.user.map(|user| Address::User(topic, user));
    let others = [Address::Resource(topic, message.resource), Address::All(topic)];
    user.into_iter().chain(members).chain(others)
}

fn forget<K: Eq + Hash>(all: &mut HashMap<K, Vec<u64>>, key: &K, id: u64) {
    if let Some(ids) = all.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            all.remove(key);
        }
    }
}

impl Seat {
    /// Why it is told of nothing any more, if that is so.
    pub(super) fn fate(&self) -> Option<Fate> {
        self.fate.get().copied()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.hub.lock().remove(self.id));
        self.hub.count(self.way, |seats| seats.fetch_sub(1, Ordering::Relaxed) - 1);
        self.hub.left.notify_waiters();
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
