//! The load: a few clients that post entries and transfers with ids of their own choosing, and send each again until it
//! is acknowledged.

use super::random::Random;
use crate::bench::http::{Connection, post};
use anyhow::{Result, anyhow, bail};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: u64 = 4;
const ACCOUNTS: u64 = 24;
/// One request in so many is a transfer.
const TRANSFERS: u64 = 6;
/// One transfer in so many is refused at some step, so that it has to be undone.
const REFUSED: u64 = 3;
const STEPS: [&str; 5] = ["hold", "reserve", "deposit", "settle", "record"];
/// Between two entries of a client: what two cores can carry end to end in a debug build, with some left.
const PACE: Duration = Duration::from_millis(40);
/// After an answer that is none.
const AGAIN: Duration = Duration::from_millis(25);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long a client goes on with its last entry once it has been told to stop.
const LAST_LIMIT: Duration = Duration::from_secs(60);

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) amount: i64,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) amount: i64,
    /// Whether it has to be undone.
    pub(super) refused: bool,
}

/// What the ledger has acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    pub(super) entries: Vec<Entry>,
    pub(super) transfers: Vec<Transfer>,
}

/// What the clients have done so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) requests: AtomicU64,
    pub(super) acknowledged: AtomicU64,
}

/// Runs `meanwhile` under load and returns what was acknowledged, with what it returned.
pub(super) fn under_load<T>(
    ports: &[u16],
    random: &mut Random,
    progress: &Progress,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<(Acknowledged, T)> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let mut client = Client {
                    ports,
                    random: Random::new(random.next(), client),
                    progress,
                    connection: None,
                    acknowledged: Acknowledged::default(),
                };
                let stop = &stop;
                scope.spawn(move || client.run(stop).map(|()| client.acknowledged))
            })
            .collect();
        let result = meanwhile();
        stop.store(true, Ordering::Relaxed);
        let mut acknowledged = Acknowledged::default();
        let mut fault = None;
        for client in clients {
            match client.join().map_err(|_| anyhow!("a client panicked"))? {
                Ok(own) => {
                    acknowledged.entries.extend(own.entries);
                    acknowledged.transfers.extend(own.transfers);
                }
                Err(error) => fault = Some(error),
            }
        }
        let result = result?;
        fault.map_or(Ok((acknowledged, result)), Err)
    })
}

struct Client<'a> {
    ports: &'a [u16],
    random: Random,
    progress: &'a Progress,
    connection: Option<Connection>,
    acknowledged: Acknowledged,
}

impl Client<'_> {
    fn run(&mut self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let next = Instant::now() + PACE;
            if self.random.once_in(TRANSFERS) {
                self.transfer(stop)?;
            } else {
                self.post(stop)?;
            }
            self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }

    fn post(&mut self, stop: &AtomicBool) -> Result<()> {
        let amount = i64::try_from(self.random.below(2_000))? - 500;
        let account = format!("account-{}", self.random.below(ACCOUNTS));
        let entry = Entry { id: self.random.uuid(), account, amount };
        let Entry { id, account, amount } = &entry;
        let json = format!(r#"{{"id":"{id}","account":"{account}","amount":{amount}}}"#);
        self.send_until_acknowledged("/api/v1/ledger/entries", &json, stop)?;
        self.acknowledged.entries.push(entry);
        Ok(())
    }

    fn transfer(&mut self, stop: &AtomicBool) -> Result<()> {
        let (id, amount) = (self.random.uuid(), i64::try_from(self.random.below(500))? + 1);
        let (source, target) = (self.random.below(ACCOUNTS), self.random.below(ACCOUNTS));
        let refused = self.random.once_in(REFUSED);
        let step = STEPS[usize::try_from(self.random.below(STEPS.len() as u64))?];
        let refuse = if refused { format!("{step:?}") } else { "null".to_owned() };
        let json = format!(
            r#"{{"id":"{id}","source":"purse-{source}","target":"purse-{target}","amount":{amount},"refuse":{refuse}}}"#
        );
        self.send_until_acknowledged("/api/v1/ledger/transfers", &json, stop)?;
        self.acknowledged.transfers.push(Transfer { amount, refused });
        Ok(())
    }

    /// Once the load has been told to stop, the last request is gone on with for a while.
    fn send_until_acknowledged(&mut self, path: &str, json: &str, stop: &AtomicBool) -> Result<()> {
        let mut end = None;
        while !self.send(path, json)? {
            if stop.load(Ordering::Relaxed) {
                let end = *end.get_or_insert_with(|| Instant::now() + LAST_LIMIT);
                if Instant::now() > end || crate::process::interrupted() {
                    bail!("{json} was not acknowledged within {LAST_LIMIT:?} of the end");
                }
            }
            std::thread::sleep(AGAIN);
        }
        if self.random.once_in(16) {
            // A client that did not see the answer and asks again.
            self.send(path, json)?;
        }
        Ok(())
    }

    /// Sends a request once. Tells whether it was acknowledged; an answer that says that it never will be is a fault.
    fn send(&mut self, path: &str, json: &str) -> Result<bool> {
        self.progress.requests.fetch_add(1, Ordering::Relaxed);
        let Some(connection) = self.connection() else { return Ok(false) };
        match connection.ask(post(path, json).as_bytes()) {
            Ok(answer) => {
                if answer.closes {
                    self.connection = None;
                }
                match answer.status {
                    200..=202 => Ok(true),
                    500.. => Ok(false),
                    other => bail!("{json} was answered {other}: {}", String::from_utf8_lossy(&answer.body)),
                }
            }
            Err(_) => {
                self.connection = None;
                Ok(false)
            }
        }
    }

    /// The connection that is open, or a new one to any process of the service.
    fn connection(&mut self) -> Option<&mut Connection> {
        if self.connection.is_none() {
            let index = usize::try_from(self.random.below(self.ports.len() as u64)).unwrap_or(0);
            self.connection = Connection::open_within(self.ports[index], ANSWER_LIMIT).ok();
        }
        self.connection.as_mut()
    }
}
