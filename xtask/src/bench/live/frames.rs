//! As much of WebSocket (RFC 6455) as ten thousand clients need that listen: the handshake, a frame of text to the server,
//! and the frames that come back.

use anyhow::{Result, bail};

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A whole message of text.
    Text(&'a [u8]),
    /// A ping, which wants a pong with the same.
    Ping(&'a [u8]),
    /// The end, with its code.
    Close(u16),
}

/// The head of a handshake.
pub(super) fn handshake(path: &str, token: &str) -> Vec<u8> {
    // The key is the one of the standard's own example: nobody caches answers here.
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

/// How long the head of the answer is that accepts it; `None` while it has not come whole.
pub(super) fn accepted(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    if !answer.starts_with(b"HTTP/1.1 101 ") {
        bail!("a handshake was answered with {}", String::from_utf8_lossy(answer).trim_end());
    }
    Ok(Some(end + 4))
}

/// A frame of a client: masked, with a mask of zeros, which leaves the payload as it is.
pub(super) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The first frame and how many bytes it takes; `None` while it has not come whole.
pub(super) fn first(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let [start, length, rest @ ..] = bytes else { return Ok(None) };
    let (length, begin) = match length {
        126 => match rest.first_chunk::<2>() {
            Some(length) => (usize::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        0..126 => (usize::from(*length), 2),
        _ => bail!("a frame that is masked, or longer than any message here"),
    };
    let Some(payload) = bytes.get(begin..begin + length) else { return Ok(None) };
    let frame = match start {
        0x81 => Frame::Text(payload),
        0x89 => Frame::Ping(payload),
        0x88 => Frame::Close(payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code))),
        other => bail!("a frame that begins with {other:#x}"),
    };
    Ok(Some((frame, begin + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_one_after_the_other_when_they_are_whole() {
        let long = "x".repeat(300);
        let mut bytes = vec![0x81, 2, b'h', b'i', 0x89, 1, b'!', 0x81, 126, 1, 44];
        bytes.extend(long.as_bytes());
        bytes.extend([0x88, 2, 0x03, 0xe9]);
        let mut at = 0;
        let mut next = || {
            let (frame, length) = first(&bytes[at..]).unwrap().unwrap();
            for short in 0..length {
                assert_eq!(first(&bytes[at..at + short]).unwrap(), None, "not before it is whole");
            }
            at += length;
            frame
        };
        assert_eq!(next(), Frame::Text(b"hi"));
        assert_eq!(next(), Frame::Ping(b"!"));
        assert_eq!(next(), Frame::Text(long.as_bytes()));
        assert_eq!(next(), Frame::Close(1001));
        assert_eq!(at, bytes.len());
        assert!(first(&masked(1, b"from a client")).is_err());
    }

    #[test]
    fn a_clients_frame_says_how_long_it_is() {
        assert_eq!(masked(1, b"hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(masked(1, &[7; 300])[..8], [0x81, 0xfe, 1, 44, 0, 0, 0, 0]);
    }

    #[test]
    fn only_a_101_accepts() {
        assert_eq!(accepted(b"HTTP/1.1 101 S\r\n\r\nrest").unwrap(), Some(18));
        assert_eq!(accepted(b"HTTP/1.1 101 S\r\n").unwrap(), None);
        assert!(accepted(b"HTTP/1.1 503 No\r\n\r\n").is_err());
    }
}
