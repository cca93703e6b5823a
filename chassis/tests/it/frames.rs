//! HTTP/2 byte by byte, for clients that do what no library would do for them.

use std::net::SocketAddr;
use std::time::Duration;
use testkit::Wire;
use tokio::time::timeout;

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(15);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields that are written out and never remembered; names and values have less than 127 bytes.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0x10], text(name), text(value)].concat()).collect()
}

/// The fields of a request that is in order, and more.
pub(crate) fn asking(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "http"), (":authority", "x"), (":path", path)];
    fields(&[&pseudo[..], more].concat())
}

pub(crate) async fn http2(address: SocketAddr) -> Wire {
    let mut wire = Wire::connect(address).await.unwrap();
    wire.write([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    wire
}

/// The next frame: its kind, its stream and what is in it; `None` when the connection ends before.
pub(crate) async fn next(wire: &mut Wire) -> Option<(u8, u32, Vec<u8>)> {
    let head = timeout(LONG, wire.exactly(9)).await.unwrap().ok()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let payload = wire.exactly(length).await.ok()?;
    Some((head[3], u32::from_be_bytes(head[5..9].try_into().unwrap()), payload))
}

/// Reads frames until one is wanted; `None` when the connection ends before.
pub(crate) async fn until(wire: &mut Wire, wanted: impl Fn(u8, u32, &[u8]) -> bool) -> Option<Vec<u8>> {
    loop {
        let (kind, stream, payload) = next(wire).await?;
        if wanted(kind, stream, &payload) {
            return Some(payload);
        }
    }
}

/// The status of an answer, which stands first in its fields.
pub(crate) fn status(fields: &[u8]) -> u32 {
    match fields {
        [0x88, ..] => 200,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        // The name from the table, and three digits in Huffman's code: 0 to 2 have five bits, the others six.
        [0x48, 0x82 | 0x83, first, second, third, ..] => {
            let mut bits = u32::from_be_bytes([*first, *second, *third, 0]);
            (0..3).fold(0, |number, _| {
                let (digit, length) = if bits >> 27 < 3 { (bits >> 27, 5) } else { ((bits >> 26) - 22, 6) };
                bits <<= length;
                number * 10 + digit
            })
        }
        _ => panic!("no status in {fields:02x?}"),
    }
}

#[test]
fn a_status_is_read_in_every_form_in_which_it_comes() {
    assert_eq!(status(&[0x8c]), 400);
    // 011010 00000 011011 and 011010 011001 00001, filled up with ones.
    assert_eq!(status(&[0x48, 0x83, 0b0110_1000, 0b0000_1101, 0b1111_1111]), 405);
    assert_eq!(status(&[0x48, 0x83, 0b0110_1001, 0b1001_0000, 0b1111_1111]), 431);
}
