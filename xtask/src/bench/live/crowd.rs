//! The clients: all of them on one thread, which waits for whichever has something to read.

use super::frames::{self, Frame};
use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PATH: &str = "/api/v1/ws";
const SUBSCRIBE: &str = r#"{"type":"subscribe","topics":["notifications"]}"#;
/// Clients that are on their way in at once: a crowd that comes in a second would fill the queue of the listener.
const ENTERING: usize = 256;

/// How the crowd stands, seen from outside while it runs.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Clients that are told of their topic.
    pub(super) subscribed: AtomicUsize,
    /// Messages that came, warm-up left out.
    pub(super) messages: AtomicUsize,
    /// Clients whose connection ended.
    pub(super) lost: AtomicUsize,
    enough: AtomicBool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Heard {
    /// Microseconds from the moment at which a message was due to its arrival, by its number.
    pub(super) late: Vec<Option<u32>>,
    /// Messages that came twice, or to somebody else.
    pub(super) wrong: usize,
}

/// The crowd at work.
pub(super) struct Crowd {
    seen: &'static Seen,
    thread: JoinHandle<Result<Heard>>,
}

impl Crowd {
    /// Sends a client for each token. Messages numbered from 0 to `expected` are measured; any other number is warm-up.
    pub(super) fn send(port: u16, tokens: Vec<String>, expected: usize) -> Self {
        // One a run, as long as the process.
        let seen: &'static Seen = Box::leak(Box::default());
        let thread = spawn(move || Entering::new(port, tokens, expected, seen)?.run());
        Self { seen, thread }
    }

    pub(super) fn seen(&self) -> &Seen {
        self.seen
    }

    /// Whether it has failed.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it.
    pub(super) fn ended(self) -> Result<Heard> {
        self.seen.enough.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(heard) => heard,
            Err(_) => bail!("the thread of the clients panicked"),
        }
    }
}

/// One client.
struct Client {
    stream: TcpStream,
    /// What came and is not a whole frame yet.
    kept: Vec<u8>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The handshake is to be sent as soon as there is a connection.
    Connecting,
    Greeted,
    Asked,
    Subscribed,
    Lost,
}

struct Entering {
    address: SocketAddr,
    tokens: Vec<String>,
    clients: Vec<Client>,
    poll: Poll,
    heard: Heard,
    seen: &'static Seen,
}

impl Entering {
    fn new(port: u16, tokens: Vec<String>, expected: usize, seen: &'static Seen) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let heard = Heard { late: vec![None; expected], wrong: 0 };
        Ok(Self {
            address,
            clients: Vec::with_capacity(tokens.len()),
            tokens,
            poll: Poll::new()?,
            heard,
            seen,
        })
    }

    fn run(mut self) -> Result<Heard> {
        let mut events = Events::with_capacity(1_024);
        let mut scratch = vec![0; 64 * 1_024];
        while !self.seen.enough.load(Ordering::Relaxed) {
            while self.clients.len() < self.tokens.len()
                && self.clients.len() < self.seen.subscribed.load(Ordering::Relaxed) + ENTERING
            {
                self.enter()?;
            }
            match self.poll.poll(&mut events, Some(Duration::from_millis(50))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                let number = event.token().0;
                if self.clients[number].stage == Stage::Connecting && event.is_writable() {
                    self.greet(number)?;
                }
                if event.is_readable() {
                    self.read(number, &mut scratch)?;
                }
            }
        }
        Ok(self.heard)
    }

    fn enter(&mut self) -> Result<()> {
        let mut stream = TcpStream::connect(self.address).context("no connection could be begun")?;
        let token = Token(self.clients.len());
        self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.clients.push(Client { stream, kept: Vec::new(), stage: Stage::Connecting });
        Ok(())
    }

    fn greet(&mut self, number: usize) -> Result<()> {
        let client = &mut self.clients[number];
        if let Some(error) = client.stream.take_error()? {
            return Err(error).context("a connection was refused");
        }
        if client.stream.peer_addr().is_err() {
            return Ok(());
        }
        client.stream.set_nodelay(true)?;
        // A fresh socket takes that much at once.
        client.stream.write_all(&frames::handshake(PATH, &self.tokens[number]))?;
        client.stage = Stage::Greeted;
        Ok(())
    }

    fn read(&mut self, number: usize, scratch: &mut [u8]) -> Result<()> {
        loop {
            let client = &mut self.clients[number];
            if client.stage == Stage::Lost {
                return Ok(());
            }
            match client.stream.read(scratch) {
                Ok(0) => self.lose(number),
                Ok(read) => {
                    let mut bytes = std::mem::take(&mut client.kept);
                    bytes.extend_from_slice(&scratch[..read]);
                    let used = self.hear(number, &bytes)?;
                    if used < bytes.len() {
                        bytes.drain(..used);
                        self.clients[number].kept = bytes;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.lose(number),
            }
        }
    }

    fn lose(&mut self, number: usize) {
        self.clients[number].stage = Stage::Lost;
        self.seen.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes what is whole; says how many bytes that was.
    fn hear(&mut self, number: usize, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        if self.clients[number].stage == Stage::Greeted {
            let Some(length) = frames::accepted(bytes)? else { return Ok(0) };
            at = length;
            self.say(number, 1, SUBSCRIBE.as_bytes())?;
            self.clients[number].stage = Stage::Asked;
        }
        while let Some((frame, length)) = frames::first(&bytes[at..])? {
            at += length;
            match frame {
                Frame::Text(text) => self.told(number, text)?,
                Frame::Ping(payload) => self.say(number, 10, payload)?,
                Frame::Close(code) => bail!("client {number} was sent away with {code}"),
            }
        }
        Ok(at)
    }

    fn say(&mut self, number: usize, opcode: u8, payload: &[u8]) -> Result<()> {
        Ok(self.clients[number].stream.write_all(&frames::masked(opcode, payload))?)
    }

    fn told(&mut self, number: usize, text: &[u8]) -> Result<()> {
        let now = now_micros();
        let frame: Value = serde_json::from_slice(text).context("a message that is not JSON")?;
        match frame["type"].as_str() {
            Some("message") => self.message(number, &frame, now),
            Some("subscribed") => {
                self.clients[number].stage = Stage::Subscribed;
                self.seen.subscribed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Some("ready" | "heartbeat") => Ok(()),
            _ => bail!("client {number} was told {frame}"),
        }
    }

    fn message(&mut self, client: usize, frame: &Value, now: u64) -> Result<()> {
        let title = frame["data"]["title"].as_str().and_then(|title| title.split_once(' '));
        let (message, due) = title.context("a message without a number")?;
        let (message, due): (usize, u64) = (message.parse()?, due.parse()?);
        let clients = self.clients.len();
        let Some(late) = self.heard.late.get_mut(message) else { return Ok(()) };
        if message % clients != client || late.is_some() {
            self.heard.wrong += 1;
            return Ok(());
        }
        *late = Some(u32::try_from(now.saturating_sub(due)).unwrap_or(u32::MAX));
        self.seen.messages.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The publisher, another process of this machine, looks at the same clock.
#[expect(
    clippy::disallowed_methods,
    reason = "two processes are compared, which have no other clock in common"
)]
fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
