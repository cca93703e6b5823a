//! The trivial upstream: one thread, small and large bodies made beforehand, nothing else. So cheap that what is measured
//! in front of it is not its own cost.
//!
//! It also plays the service auth for the gateway under test: it answers the verifier feed with the one key that it was
//! given, and the collector of spans, which it throws away.

use super::wire::Message;
use anyhow::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// Answered with a small body, as every other path is.
pub(super) const SMALL: &str = "/bench/small";
/// Answered with [`LARGE_BODY`] bytes.
pub(super) const LARGE: &str = "/bench/large";
/// Takes a body of [`POSTED`] bytes.
pub(super) const TAKES: &str = "/bench/post";
/// Answered late.
pub(super) const LATE: &str = "/bench/late";
/// How late.
const LATE_BY: Duration = Duration::from_millis(500);
pub(super) const LARGE_BODY: usize = 64 * 1_024;
pub(super) const POSTED: usize = 1_024;
pub(super) const SMALL_BODY: &str = r#"{"success":true,"data":{"pong":true}}"#;
/// Where a verifier asks for keys and revocations.
const FEED: &str = "/internal/v1/auth/feed";
/// Where spans are sent.
const SPANS: &str = "/v1/traces";
/// The longest that a verifier may ask the feed to wait for news.
const LONGEST_WAIT: u64 = 30;
const LISTENER: Token = Token(usize::MAX);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// The public key of whoever signs access tokens, a JWK.
    #[arg(long)]
    key: Option<String>,
}

/// Serves until the process is ended.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], arguments.port));
    Server::new(TcpListener::bind(address)?, arguments.key.as_deref().unwrap_or_default())?.run()
}

/// What is answered, ready to be written.
struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
    feed: Vec<u8>,
    taken: Vec<u8>,
    refused: Vec<u8>,
}

impl Answers {
    fn new(key: &str) -> Self {
        let feed = format!(
            r#"{{"success":true,"data":{{"cursor":0,"revocations":[],"keysVersion":"bench","keys":{{"keys":[{key}]}}}}}}"#
        );
        Self {
            small: answer("200 OK", "application/json", SMALL_BODY),
            large: answer("200 OK", "text/plain", &"0123456789abcdef".repeat(LARGE_BODY / 16)),
            feed: answer("200 OK", "application/json", &feed),
            taken: answer("200 OK", "application/x-protobuf", ""),
            refused: answer("400 Bad Request", "application/json", "{}"),
        }
    }

    /// The answer to a request, and how long it is kept back.
    fn to(&self, request: &Message<'_>) -> (&[u8], Duration) {
        let target = request.second_word();
        let at_once = |answer| (answer, Duration::ZERO);
        match target.split_once('?').map_or(target, |(path, _)| path) {
            LARGE => at_once(&self.large[..]),
            TAKES if request.body != POSTED => at_once(&self.refused[..]),
            LATE => (&self.small, LATE_BY),
            FEED => (&self.feed, wait(target)),
            SPANS => at_once(&self.taken[..]),
            _ => at_once(&self.small[..]),
        }
    }
}

fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// How long the feed keeps its answer back. There never is news: whoever has the keys waits as long as it asked to.
fn wait(target: &str) -> Duration {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let asked = value("wait").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    Duration::from_secs(if value("keys") == Some("bench") { LONGEST_WAIT.min(asked) } else { 0 })
}

/// A connection.
struct Peer {
    socket: TcpStream,
    came: Vec<u8>,
    /// What the socket did not take yet.
    left: Vec<u8>,
    /// An answer to it is kept back.
    waits: bool,
    /// Tells it from one that had its place before.
    birth: u64,
}

struct Server {
    listener: TcpListener,
    poll: Poll,
    answers: Answers,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    births: u64,
    /// When something that is kept back is due, for which peer, and what.
    late: BinaryHeap<Reverse<(Instant, usize, u64, bool)>>,
    scratch: Vec<u8>,
}

impl Server {
    fn new(mut listener: TcpListener, key: &str) -> Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            listener,
            poll,
            answers: Answers::new(key),
            peers: Vec::new(),
            free: Vec::new(),
            births: 0,
            late: BinaryHeap::new(),
            scratch: vec![0; 64 * 1_024],
        })
    }

    fn run(mut self) -> Result<()> {
        let mut events = Events::with_capacity(1_024);
        loop {
            let due =
                self.late.peek().map(|Reverse((due, ..))| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, due) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                } else {
                    self.serve(event.token().0);
                }
            }
            self.release();
        }
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => continue,
            };
            let place = self.free.pop().unwrap_or(self.peers.len());
            if place == self.peers.len() {
                self.peers.push(None);
            }
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(place), both)?;
            self.births += 1;
            let (came, left, birth) = (Vec::new(), Vec::new(), self.births);
            let peer = Peer { socket, came, left, waits: false, birth };
            // Without it answers would only come later; the peer is none the worse.
            peer.socket.set_nodelay(true).unwrap_or_default();
            self.peers[place] = Some(peer);
        }
    }

    /// Answers what has come, and forgets a peer that went away, which is the usual end of a connection here.
    fn serve(&mut self, place: usize) {
        let Some(mut peer) = self.peers.get_mut(place).and_then(Option::take) else { return };
        match self.exchange(&mut peer, place) {
            Ok(true) => self.peers[place] = Some(peer),
            Ok(false) | Err(_) => self.free.push(place),
        }
    }

    /// Whether the connection goes on.
    fn exchange(&mut self, peer: &mut Peer, place: usize) -> Result<bool> {
        peer.flush()?;
        loop {
            match peer.socket.read(&mut self.scratch) {
                Ok(0) => return Ok(false),
                Ok(read) => peer.came.extend_from_slice(&self.scratch[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            self.answer(peer, place)?;
        }
        Ok(true)
    }

    fn answer(&mut self, peer: &mut Peer, place: usize) -> Result<()> {
        while !peer.waits {
            let Some(request) = Message::first(&peer.came)? else { return Ok(()) };
            let (answer, late) = self.answers.to(&request);
            let length = request.length;
            if late.is_zero() {
                peer.write(answer)?;
            } else {
                let is_feed = request.second_word().starts_with(FEED);
                self.late.push(Reverse((Instant::now() + late, place, peer.birth, is_feed)));
                peer.waits = true;
            }
            peer.came.drain(..length);
        }
        Ok(())
    }

    /// Answers what was kept back for long enough.
    fn release(&mut self) {
        while let Some(Reverse((due, place, birth, is_feed))) = self.late.peek().copied() {
            if due > Instant::now() {
                return;
            }
            self.late.pop();
            let Some(peer) = self.peers[place].as_mut().filter(|peer| peer.birth == birth) else { continue };
            peer.waits = false;
            let answer = if is_feed { &self.answers.feed } else { &self.answers.small };
            if peer.write(answer).is_err() {
                self.peers[place] = None;
                self.free.push(place);
            }
        }
    }
}

impl Peer {
    fn write(&mut self, answer: &[u8]) -> Result<()> {
        if self.left.is_empty() {
            let written = written(self.socket.write(answer))?;
            self.left.extend_from_slice(&answer[written..]);
        } else {
            self.left.extend_from_slice(answer);
        }
        self.flush()
    }

    /// Writes what is left, as far as the socket takes it; it says when it takes more.
    fn flush(&mut self) -> Result<()> {
        while !self.left.is_empty() {
            match written(self.socket.write(&self.left))? {
                0 => return Ok(()),
                count => self.left.drain(..count),
            };
        }
        Ok(())
    }
}

/// How many bytes a socket took; none when it is full.
fn written(result: std::io::Result<usize>) -> Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::http::{Connection, get, post};

    fn start(key: &str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::new(listener, key).unwrap();
        std::thread::spawn(move || server.run().unwrap());
        port
    }

    #[test]
    fn each_path_is_answered_with_what_the_scenes_expect() {
        let mut peer = Connection::open(start("")).unwrap();
        let mut ask = |request: String| {
            let answer = peer.ask(request.as_bytes()).unwrap();
            (answer.status, answer.body.len())
        };
        assert_eq!(ask(get(SMALL)), (200, SMALL_BODY.len()));
        assert_eq!(ask(get(LARGE)), (200, LARGE_BODY));
        assert_eq!(ask(post(TAKES, &"x".repeat(POSTED))), (200, SMALL_BODY.len()));
        assert_eq!(ask(post(TAKES, "too short")), (400, 2));
        assert_eq!(ask(post(SPANS, "spans")), (200, 0));
        let begin = Instant::now();
        assert_eq!(ask(get(LATE)), (200, SMALL_BODY.len()));
        assert!(begin.elapsed() >= LATE_BY);
    }

    #[test]
    fn the_feed_has_the_key_and_makes_those_wait_that_know_it() {
        let mut peer = Connection::open(start(r#"{"kid":"k"}"#)).unwrap();
        for query in ["?after=0&keys=&wait=1", "?after=0&keys=bench&wait=1"] {
            let begin = Instant::now();
            let answer = peer.ask(get(&format!("{FEED}{query}")).as_bytes()).unwrap();
            let feed: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(feed["data"]["keys"]["keys"][0]["kid"], "k");
            assert_eq!(begin.elapsed() >= Duration::from_secs(1), query.contains("keys=bench"));
        }
    }
}
