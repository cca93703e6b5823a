//! One direction of a tunnel.
//!
//! What must hold: nothing is read while what was read before is not written, so a slow reader slows its writer down and
//! nothing piles up; and a direction in which nothing is under way holds no buffer, so an open tunnel costs next to nothing.

use super::frames::Frames;
use metrics::Counter;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is read at once, and so the most that one direction keeps.
const PIECE: usize = 16 * 1024;

thread_local! {
    /// What is read into. It is empty again before anybody waits, so all tunnels of a thread share it.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// One direction: bytes that are read on one side and written on the other.
pub(super) struct Flow {
    frames: Frames,
    /// What was read and could not be written yet; empty otherwise.
    kept: Vec<u8>,
    /// How much of that has been written.
    written: usize,
    unflushed: bool,
    stage: Stage,
    /// Bytes that were read in all.
    pub(super) passed: u64,
    counted: Counter,
}

enum Stage {
    Open,
    /// The frame that is under way is the last; then this one is said.
    LastFrame(Vec<u8>),
    /// Nothing more comes.
    Ended,
    /// The other side knows that.
    Told,
}

impl Flow {
    /// Nothing yet; bytes are counted here too.
    pub(super) fn new(counted: Counter) -> Self {
        let (frames, stage) = (Frames::default(), Stage::Open);
        Self { frames, kept: Vec::new(), written: 0, unflushed: false, stage, passed: 0, counted }
    }

    /// Lets the frame under way be the last one and says `goodbye` after it.
    pub(super) fn end_with(&mut self, goodbye: Vec<u8>) {
        if matches!(self.stage, Stage::Open) {
            self.stage = Stage::LastFrame(goodbye);
        }
    }

    /// Moves what can be moved. Ready when nothing more will come and the other side was told.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut from: Pin<&mut impl AsyncRead>,
        mut to: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.write_kept(cx, to.as_mut()))?;
            match &mut self.stage {
                Stage::Open => {}
                Stage::LastFrame(goodbye) if self.frames.are_whole() => {
                    if !self.frames.are_closed() {
                        self.kept = std::mem::take(goodbye);
                    }
                    self.stage = Stage::Ended;
                    continue;
                }
                Stage::LastFrame(_) => {}
                Stage::Ended => {
                    ready!(to.as_mut().poll_shutdown(cx))?;
                    self.stage = Stage::Told;
                    continue;
                }
                Stage::Told => return Poll::Ready(Ok(())),
            }
            if SCRATCH
                .with_borrow_mut(|scratch| self.move_piece(cx, scratch, from.as_mut(), to.as_mut()))?
                .is_pending()
            {
                if self.unflushed {
                    ready!(to.as_mut().poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
        }
    }

    fn write_kept(
        &mut self,
        cx: &mut Context<'_>,
        mut to: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.kept.len() {
            let wrote = ready!(to.as_mut().poll_write(cx, &self.kept[self.written..]))?;
            self.wrote(wrote)?;
            self.written += wrote;
        }
        self.kept = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads once, and writes as much of that as goes; the rest is kept.
    fn move_piece(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        from: Pin<&mut impl AsyncRead>,
        mut to: Pin<&mut impl AsyncWrite>,
    ) -> io::Result<Poll<()>> {
        let most = match self.stage {
            Stage::LastFrame(_) => self.frames.may_pass().min(scratch.len()),
            _ => scratch.len(),
        };
        let mut piece = ReadBuf::new(&mut scratch[..most]);
        if from.poll_read(cx, &mut piece)?.is_pending() {
            return Ok(Poll::Pending);
        }
        let mut rest = piece.filled();
        if rest.is_empty() {
            self.stage = Stage::Ended;
            return Ok(Poll::Ready(()));
        }
        self.frames.pass(rest);
        self.passed += rest.len() as u64;
        self.counted.increment(rest.len() as u64);
        while !rest.is_empty() {
            match to.as_mut().poll_write(cx, rest)? {
                Poll::Ready(wrote) => {
                    self.wrote(wrote)?;
                    rest = &rest[wrote..];
                }
                Poll::Pending => {
                    self.kept = rest.to_vec();
                    break;
                }
            }
        }
        Ok(Poll::Ready(()))
    }

    fn wrote(&mut self, bytes: usize) -> io::Result<()> {
        self.unflushed = true;
        if bytes == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }
}
