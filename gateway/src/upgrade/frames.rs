//! Where one frame of a WebSocket ends and the next begins (RFC 6455, section 5.2).
//!
//! Only the headers of frames are looked at, and nothing is changed or kept of what they carry. The door needs to know it for
//! one thing: a word of its own, why it ends the connection, may stand between two frames and nowhere else.

use aws_lc_rs::rand;

/// The longest header: two bytes, a length of eight, a mask of four.
const LONGEST: usize = 14;
/// The longest reason that fits into a control frame beside its code.
const LONGEST_REASON: usize = 123;
const CLOSE: u8 = 8;
const MASKED: u8 = 0x80;

/// The frames of one direction, as far as they have passed.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; LONGEST],
    /// Bytes of the header that have passed.
    have: usize,
    /// Bytes of the payload that have not.
    left: u64,
    closed: bool,
}

impl Frames {
    /// Takes note of bytes that pass.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.have] = *first;
            self.have += 1;
            bytes = rest;
            if self.have == self.header_length() {
                self.closed |= self.header[0] & 0x0f == CLOSE;
                self.left = self.payload_length();
                self.have = 0;
            }
        }
    }

    /// Whether the next byte begins a frame.
    pub(super) const fn are_whole(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// How many bytes may pass, at least one, without going beyond the end of the frame.
    pub(super) fn may_pass(&self) -> usize {
        match self.left {
            0 => self.header_length() - self.have,
            left => usize::try_from(left).unwrap_or(usize::MAX),
        }
    }

    /// Whether the last word was said: nothing may follow a close frame.
    pub(super) const fn are_closed(&self) -> bool {
        self.closed
    }

    /// As far as it is known: the second byte says how long the rest is.
    const fn header_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let length = match self.header[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.header[1] & MASKED == 0 { 0 } else { 4 }
    }

    fn payload_length(&self) -> u64 {
        let long = |bytes: &[u8]| bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        match self.header[1] & !MASKED {
            126 => long(&self.header[2..4]),
            127 => long(&self.header[2..10]),
            short => u64::from(short),
        }
    }
}

/// A close frame. What a client sends is masked (section 5.3), what a server sends is not.
pub(super) fn close(code: u16, reason: &str, masked: bool) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(LONGEST_REASON)];
    let length = (2 + reason.len()) as u8;
    let mut frame = vec![0x80 | CLOSE, length | if masked { MASKED } else { 0 }];
    let mut mask = [0; 4];
    if masked {
        // A mask that can be guessed does no harm in a frame whose bytes nobody outside has chosen.
        rand::fill(&mut mask).unwrap_or_default();
        frame.extend(mask);
    }
    let payload = code.to_be_bytes().into_iter().chain(reason.iter().copied());
    frame.extend(payload.zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a payload of this length.
    fn frame(opcode: u8, payload: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { MASKED } else { 0 };
        let mut frame = vec![0x80 | opcode];
        match payload {
            0..=125 => frame.push(payload as u8 | mask),
            126..=0xffff => {
                frame.push(126 | mask);
                frame.extend((payload as u16).to_be_bytes());
            }
            _ => {
                frame.push(127 | mask);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        if masked {
            frame.extend([1, 2, 3, 4]);
        }
        frame.extend(std::iter::repeat_n(0x88, payload));
        frame
    }

    #[test]
    fn the_end_of_a_frame_is_known_however_its_bytes_come() {
        for masked in [false, true] {
            for payload in [0, 1, 125, 126, 300, 0xffff, 0x1_0000] {
                let two = [frame(1, payload, masked), frame(2, 3, masked)].concat();
                let end = two.len() - frame(2, 3, masked).len();
                for step in [1, 2, 3, 7, 4_096] {
                    let mut frames = Frames::default();
                    let mut passed = 0;
                    for piece in two.chunks(step) {
                        frames.pass(piece);
                        passed += piece.len();
                        let whole = passed == end || passed == two.len();
                        assert_eq!(frames.are_whole(), whole, "{payload} {masked} {step} {passed}");
                    }
                    assert!(!frames.are_closed());
                }
            }
        }
    }

    #[test]
    fn who_reads_no_more_than_may_pass_meets_the_end_of_each_frame() {
        let sizes = [0, 5, 200, 70_000, 1];
        let all: Vec<u8> = sizes.iter().flat_map(|size| frame(2, *size, true)).collect();
        let (mut frames, mut at, mut ends) = (Frames::default(), 0, 0);
        while at < all.len() {
            let next = frames.may_pass().min(all.len() - at);
            assert!(next > 0);
            frames.pass(&all[at..at + next]);
            at += next;
            ends += usize::from(frames.are_whole());
        }
        assert_eq!(ends, sizes.len());
    }

    #[test]
    fn a_close_frame_is_seen_and_not_what_looks_like_one_inside_of_another() {
        let mut frames = Frames::default();
        frames.pass(&frame(2, 300, false));
        assert!(!frames.are_closed(), "its payload is full of the first byte of one");
        frames.pass(&close(1001, "going away", false));
        assert!(frames.are_closed() && frames.are_whole());
    }

    #[test]
    fn a_close_frame_says_why_and_is_masked_for_a_server() {
        assert_eq!(close(1001, "bye", false), [0x88, 5, 0x03, 0xe9, b'b', b'y', b'e']);
        let masked = close(4401, "the token has ended", true);
        assert_eq!((masked[0], masked[1]), (0x88, 0x80 | 21));
        let mask = &masked[2..6];
        let plain: Vec<u8> =
            masked[6..].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(plain, [&4401_u16.to_be_bytes()[..], b"the token has ended"].concat());
    }

    #[test]
    fn a_length_that_no_machine_has_is_no_panic() {
        let mut frames = Frames::default();
        frames.pass(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        assert!(!frames.are_whole() && frames.may_pass() > 0);
    }
}
