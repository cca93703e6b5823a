//! As much HTTP/1.1 as the measurements need: one request after another on a kept connection, over the standard library.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing that is measured takes this long unless it hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One connection and what was read from it but not used.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The peer closes the connection after this answer.
    pub(crate) closes: bool,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Self> {
        Self::open_within(port, TIMEOUT)
    }

    /// A connection on which nothing is waited for longer than `limit`.
    pub(crate) fn open_within(port: u16, limit: Duration) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request as it stands and reads the whole answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request)?;
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.fill()?,
            }
        };
        let head = Head::parse(&self.buffer[..end])?;
        let body = match head.body {
            Body::Length(length) => {
                while self.buffer.len() < end + length {
                    self.fill()?;
                }
                let body = self.buffer[end..end + length].to_vec();
                self.buffer.drain(..end + length);
                body
            }
            Body::Chunked => self.read_chunks(end)?,
        };
        Ok(Answer { status: head.status, closes: head.closes, body })
    }

    fn read_chunks(&mut self, mut at: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let Some(line) = find(&self.buffer[at..], b"\r\n") else {
                self.fill()?;
                continue;
            };
            let size = std::str::from_utf8(&self.buffer[at..at + line])?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
            let start = at + line + 2;
            let next = start + size + 2;
            while self.buffer.len() < next {
                self.fill()?;
            }
            body.extend_from_slice(&self.buffer[start..start + size]);
            at = next;
            if size == 0 {
                self.buffer.drain(..at);
                return Ok(body);
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        let mut chunk = [0; 16 * 1024];
        let read = self.stream.read(&mut chunk)?;
        if read == 0 {
            bail!("the connection was closed in the middle of an answer");
        }
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(())
    }
}

enum Body {
    Length(usize),
    Chunked,
}

struct Head {
    status: u16,
    body: Body,
    closes: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).context("a head that is not text")?;
        let mut lines = text.split("\r\n");
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?.parse()?;
        let mut head = Self { status, body: Body::Length(0), closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.body = Body::Length(value.parse()?),
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => head.body = Body::Chunked,
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(head)
    }
}

/// A `GET` as the measurements send it.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n")
}

/// A `POST` of a JSON document.
pub(crate) fn post(path: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
}

/// The status of one `GET` on a connection of its own.
pub(crate) fn status(port: u16, path: &str) -> Result<u16> {
    Ok(Connection::open(port)?.ask(get(path).as_bytes())?.status)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn answers_of_all_shapes_are_read_to_their_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answers = [
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
                "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            ];
            for answer in answers {
                assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
                // In pieces, as a network may deliver it.
                for piece in answer.as_bytes().chunks(7) {
                    stream.write_all(piece).unwrap();
                    stream.flush().unwrap();
                }
            }
        });
        let mut connection = Connection::open(port).unwrap();
        let mut ask = || {
            let answer = connection.ask(get("/").as_bytes()).unwrap();
            (answer.status, answer.closes, String::from_utf8(answer.body).unwrap())
        };
        assert_eq!(ask(), (200, false, "body".to_owned()));
        assert_eq!(ask(), (404, false, "abc".to_owned()));
        assert_eq!(ask(), (204, true, String::new()));
        server.join().unwrap();
    }
}
