//! The load: connections that are kept, all of them on one thread, which waits for whichever was answered. Each sends the
//! next request when its last one is answered.
//!
//! One thread and not one a connection: five hundred threads on the cores of what is measured would measure the scheduler.
//! What must hold: an answer counts when status and length are those that were asked for; everything else is an error.

use super::wire::Message;
use crate::process::interrupted;
use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nothing that is measured takes this long unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);
/// More errors than this and there is nothing to measure.
const MOST_ERRORS: usize = 1_000;

/// What is sent, and what has to come back.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) request: Vec<u8>,
    pub(super) status: u16,
    /// Bytes of the answer's body; any number when nothing is said.
    pub(super) body: Option<usize>,
}

impl Ask {
    /// A `GET` of what may be of any length.
    pub(super) fn get(path: &str) -> Self {
        Self { request: super::http::get(path).into_bytes(), status: 200, body: None }
    }

    /// What is wrong with an answer.
    fn wrong(&self, answer: &Message<'_>) -> Option<String> {
        let right = answer.second_word().parse() == Ok(self.status);
        let right = right && self.body.is_none_or(|body| body == answer.body);
        (!right).then(|| format!("`{}` with {} bytes", answer.line, answer.body))
    }
}

/// Where a load goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) port: u16,
    /// How to speak TLS to it.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// What one run of the load saw.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) requests: usize,
    /// Wrong answers, and connections that broke.
    pub(super) errors: usize,
    /// What was wrong first.
    pub(super) first_error: Option<String>,
    pub(super) took: Duration,
    /// Of the requests that were answered rightly, shortest first.
    pub(super) latencies: Vec<Duration>,
}

impl Outcome {
    /// The time within which this share of the requests was answered.
    pub(super) fn percentile(&self, share: f64) -> Duration {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(super) fn rate(&self) -> f64 {
        let requests = self.requests as f64;
        requests / self.took.as_secs_f64()
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.errors += 1;
        self.first_error.get_or_insert(what);
    }
}

/// Sends `requests` times `GET path` on `connections` new connections.
pub(super) fn run(port: u16, path: &str, requests: usize, connections: usize) -> Result<Outcome> {
    let ask = Ask::get(path);
    Load::open(Target { port, tls: None }, connections)?.run(requests, |_| &ask)
}

/// Connections that are open.
pub(super) struct Load {
    target: Target,
    poll: Poll,
    clients: Vec<Client>,
    scratch: Vec<u8>,
}

/// One connection.
struct Client {
    socket: TcpStream,
    tls: Option<ClientConnection>,
    /// What came and is no whole answer yet.
    came: Vec<u8>,
    /// The number of the request that is out, and when it was sent.
    out: Option<(usize, Instant)>,
}

/// What a look at a connection came to.
enum Seen {
    Nothing,
    Answered { wrong: Option<String>, closes: bool },
}

impl Load {
    /// Opens the connections, shaking hands where TLS is spoken.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub(super) fn open(target: Target, connections: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let clients = (0..connections)
            .map(|number| Client::open(&target, &poll, number).context("no connection could be opened"))
            .collect::<Result<_>>()?;
        Ok(Self { target, poll, clients, scratch: vec![0; 64 * 1_024] })
    }

    /// Sends so many requests; `plan` says which, by their number.
    ///
    /// # Errors
    /// When nothing is answered any more, or next to nothing rightly.
    pub(super) fn run<'a>(&mut self, requests: usize, plan: impl Fn(usize) -> &'a Ask) -> Result<Outcome> {
        let mut outcome = Outcome { requests, latencies: Vec::with_capacity(requests), ..Outcome::default() };
        let mut events = Events::with_capacity(1_024);
        let begin = Instant::now();
        let (mut sent, mut done) = (0, 0);
        for client in &mut self.clients {
            if sent < requests {
                client.send(sent, plan(sent))?;
                sent += 1;
            }
        }
        while done < requests {
            match self.poll.poll(&mut events, Some(LIMIT)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if interrupted() {
                bail!("interrupted");
            }
            if events.is_empty() {
                bail!("{} requests are not answered after {} s", sent - done, LIMIT.as_secs());
            }
            for event in &events {
                let number = event.token().0;
                let client = &mut self.clients[number];
                let Some((request, since)) = client.out else { continue };
                let ask = plan(request);
                let closes = match client.look(ask, &mut self.scratch) {
                    Ok(Seen::Nothing) => continue,
                    Ok(Seen::Answered { wrong: None, closes }) => {
                        outcome.latencies.push(since.elapsed());
                        closes
                    }
                    Ok(Seen::Answered { wrong: Some(wrong), closes }) => {
                        outcome.wrong(wrong);
                        closes
                    }
                    Err(error) => {
                        outcome.wrong(format!("{error:#}"));
                        true
                    }
                };
                done += 1;
                client.out = None;
                if outcome.errors > MOST_ERRORS {
                    let first = outcome.first_error.unwrap_or_default();
                    bail!("{} of {done} requests were not answered as they should: {first}", outcome.errors);
                }
                if closes {
                    *client = Client::open(&self.target, &self.poll, number)?;
                }
                if sent < requests {
                    client.send(sent, plan(sent))?;
                    sent += 1;
                }
            }
        }
        outcome.took = begin.elapsed();
        outcome.latencies.sort_unstable();
        Ok(outcome)
    }
}

impl Client {
    fn open(target: &Target, poll: &Poll, number: usize) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, target.port));
        let mut socket = std::net::TcpStream::connect_timeout(&address, LIMIT)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(LIMIT))?;
        let tls = match &target.tls {
            None => None,
            Some(config) => {
                let name = ServerName::try_from("localhost").context("no name")?;
                let mut tls = ClientConnection::new(Arc::clone(config), name)?;
                while tls.is_handshaking() {
                    tls.complete_io(&mut socket).context("the handshake failed")?;
                }
                Some(tls)
            }
        };
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        Ok(Self { socket, tls, came: Vec::with_capacity(4 * 1_024), out: None })
    }

    /// A request is small, and the one before it was answered: the socket takes it at once.
    fn send(&mut self, number: usize, ask: &Ask) -> Result<()> {
        self.out = Some((number, Instant::now()));
        let written = match &mut self.tls {
            None => self.socket.write_all(&ask.request),
            Some(tls) => tls.writer().write_all(&ask.request).and_then(|()| {
                while tls.wants_write() {
                    tls.write_tls(&mut self.socket)?;
                }
                Ok(())
            }),
        };
        match written {
            // That it is closed shows when it is read from, which counts the request as failed.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(())
            }
            written => written.context("a request could not be sent"),
        }
    }

    /// Reads what there is, until the answer is whole or nothing is left.
    fn look(&mut self, ask: &Ask, scratch: &mut [u8]) -> Result<Seen> {
        loop {
            let read = match &mut self.tls {
                None => self.socket.read(scratch),
                Some(tls) => read_tls(tls, &mut self.socket, &mut self.came),
            };
            match read {
                Ok(0) => bail!("the connection was closed before the answer was whole"),
                Ok(read) if self.tls.is_none() => self.came.extend_from_slice(&scratch[..read]),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Seen::Nothing),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("the connection broke"),
            }
            if let Some(answer) = Message::first(&self.came)? {
                let (wrong, closes, length) = (ask.wrong(&answer), answer.closes, answer.length);
                if length < self.came.len() {
                    bail!("more came than an answer");
                }
                self.came.clear();
                return Ok(Seen::Answered { wrong, closes });
            }
        }
    }
}

/// Takes what the socket has and puts what it says behind `came`; says how many bytes the socket had.
fn read_tls(
    tls: &mut ClientConnection,
    socket: &mut TcpStream,
    came: &mut Vec<u8>,
) -> std::io::Result<usize> {
    let read = tls.read_tls(socket)?;
    let state =
        tls.process_new_packets().map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))?;
    let plain = state.plaintext_bytes_to_read();
    let start = came.len();
    came.resize(start + plain, 0);
    tls.reader().read_exact(&mut came[start..])?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_percentile_is_the_time_within_which_that_share_was_answered() {
        let latencies = (1..=100).map(Duration::from_millis).collect();
        let outcome =
            Outcome { requests: 100, took: Duration::from_secs(2), latencies, ..Outcome::default() };
        assert_eq!(outcome.percentile(0.5), Duration::from_millis(50));
        assert_eq!(outcome.percentile(0.99), Duration::from_millis(99));
        assert!((outcome.rate() - 50.0).abs() < 1e-9);
    }

    /// Answers each connection with these, in pieces and in this order, then closes it.
    fn server(answers: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                for answer in answers {
                    if stream.read(&mut [0; 1_024]).unwrap() == 0 {
                        break;
                    }
                    for piece in answer.as_bytes().chunks(7) {
                        stream.write_all(piece).unwrap();
                    }
                }
            }
        });
        port
    }

    #[test]
    fn what_is_not_answered_as_it_should_be_is_an_error() {
        let port = server(&[
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad",
        ]);
        let ask = Ask { body: Some(2), ..Ask::get("/") };
        let outcome = Load::open(Target { port, tls: None }, 1).unwrap().run(5, |_| &ask).unwrap();
        // The fourth finds the connection closed, and the fifth has a new one.
        assert_eq!((outcome.requests, outcome.latencies.len(), outcome.errors), (5, 2, 3));
        assert_eq!(outcome.first_error.as_deref(), Some("`HTTP/1.1 500 No` with 2 bytes"));
    }

    #[test]
    fn all_requests_of_the_plan_are_sent_once() {
        let port = server(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"]);
        let asks = [Ask::get("/a"), Ask { status: 201, ..Ask::get("/b") }];
        let mut load = Load::open(Target { port, tls: None }, 1).unwrap();
        let outcome = load.run(10, |number| &asks[usize::from(number % 5 == 4)]).unwrap();
        assert_eq!((outcome.latencies.len(), outcome.errors), (8, 2));
    }

    #[test]
    fn where_nobody_listens_there_is_no_load() {
        let port = testkit::servers::free_port().unwrap();
        assert!(run(port, "/", 6, 2).is_err());
    }
}
