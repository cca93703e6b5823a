//! Messages of HTTP/1.1, as much as the load and the trivial upstream need: where one ends, and what it says about itself.
//!
//! What must hold: a message counts once it has come whole, its body included. Nothing is copied.

use anyhow::{Context, Result, bail};

/// A request or an answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Its first line.
    pub(super) line: &'a str,
    /// Bytes of it, head and body.
    pub(super) length: usize,
    /// Bytes of its body without what only frames it.
    pub(super) body: usize,
    /// Whoever sent it closes the connection after it.
    pub(super) closes: bool,
}

impl<'a> Message<'a> {
    /// The first message of what has come; nothing while it is not whole.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn first(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&bytes[..end]).context("a head that is not text")?;
        let start = end + 4;
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let (mut known, mut chunked, mut closes) = (0, false, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                known = value.parse::<usize>().context("a content-length that is no number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            }
        }
        let (framed, body) = match chunked {
            false if bytes.len() < start + known => return Ok(None),
            false => (known, known),
            true => match chunks(&bytes[start..])? {
                Some(lengths) => lengths,
                None => return Ok(None),
            },
        };
        Ok(Some(Self { line, length: start + framed, body, closes }))
    }

    /// The second word of the first line: the target of a request, the status of an answer.
    pub(super) fn second_word(&self) -> &'a str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// Bytes of a body in chunks, with and without what frames it; nothing while it is not whole.
fn chunks(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let (mut at, mut body) = (0, 0);
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[at..at + line]).context("a chunk without a size")?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).context("a chunk without a size")?;
        if size > bytes.len() {
            return Ok(None);
        }
        at += line + 2 + size + 2;
        body += size;
        if at > bytes.len() {
            return Ok(None);
        }
        if !bytes[..at].ends_with(b"\r\n") {
            bail!("a chunk is not as long as it says, or trailers follow");
        }
        if size == 0 {
            return Ok(Some((at, body)));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] =
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n";

    #[test]
    fn a_message_counts_once_it_is_whole() {
        let known = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nconnection: close\r\n\r\nbody";
        for (bytes, status, body) in [(&known[..], "200", 4), (CHUNKED, "404", 13)] {
            for end in 0..bytes.len() {
                assert_eq!(Message::first(&bytes[..end]).unwrap(), None, "{end}");
            }
            let followed = [bytes, b"HTTP/1.1"].concat();
            let message = Message::first(&followed).unwrap().unwrap();
            assert_eq!((message.second_word(), message.length, message.body), (status, bytes.len(), body));
            assert_eq!(message.closes, status == "200");
        }
    }

    #[test]
    fn a_message_without_a_body_ends_with_its_head() {
        let message = Message::first(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\nGET").unwrap().unwrap();
        assert_eq!((message.second_word(), message.length, message.body), ("/a", 28, 0));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        ] {
            assert!(Message::first(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
