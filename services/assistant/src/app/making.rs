//! An answer in the making: what was told of it so far, and how a provider is listened to.

use super::App;
use super::patience::{Cut, Patience};
use super::turn::{Told, Turn};
use crate::domain::budget::{Prices, Tokens};
use crate::domain::conversation::Message;
use crate::knowledge::Passage;
use crate::knowledge::citations::Citations;
use crate::provider::chat::ToolCall;
use crate::provider::upstream::Upstream;
use crate::provider::{Failure, Piece};
use bytes::Bytes;
use contract::assistant::{Citation, MessageStatus, MessageUsage};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// An answer in the making.
pub(super) struct Making<'a> {
    pub(super) turn: &'a Turn,
    pub(super) patience: Patience,
    pub(super) passages: Vec<Passage>,
    pub(super) citations: Citations,
    pub(super) text: String,
    pub(super) cited: Vec<Citation>,
    pub(super) model: Option<String>,
    pub(super) usage: MessageUsage,
    /// The call that is under way.
    pub(super) open: Option<OpenCall>,
    pub(super) begun: bool,
    /// Whether a model has said anything of it yet.
    pub(super) said: bool,
}

/// A call of a model that is under way.
pub(super) struct OpenCall {
    pub(super) id: Uuid,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) prices: Prices,
    pub(super) reserved: Tokens,
    /// About what was sent.
    pub(super) prompt: u64,
    /// Bytes that have come.
    pub(super) received: u64,
    /// What the provider says.
    pub(super) used: Option<Tokens>,
}

/// What a model has said in one call.
pub(super) struct SaidNow {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
}

/// Why a model did not come to its end.
pub(super) enum Stopped {
    Cut(Cut),
    Failed(Failure),
}

impl From<Cut> for Stopped {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Making<'a> {
    pub(super) fn new(turn: &'a Turn, app: &App) -> Self {
        let to = turn.to.clone();
        let gone = async move { to.closed().await };
        Self {
            turn,
            patience: Patience::new(turn.deadline, gone, &app.stop),
            passages: Vec::new(),
            citations: Citations::new(&[]),
            text: String::new(),
            cited: Vec::new(),
            model: None,
            usage: MessageUsage::default(),
            open: None,
            begun: false,
            said: false,
        }
    }

    pub(super) async fn tell(&mut self, told: Told) -> Result<(), Cut> {
        // Who has gone away is noticed at the next wait.
        self.patience.wait(self.turn.to.send(told)).await.map(drop)
    }

    /// Says, once, that the answer will be made.
    pub(super) async fn begin(&mut self) -> Result<(), Cut> {
        if std::mem::replace(&mut self.begun, true) { Ok(()) } else { self.tell(Told::Begun).await }
    }

    /// Tells the next piece, as far as it may be shown, and the passages that it names.
    pub(super) async fn say(&mut self, piece: &str) -> Result<(), Cut> {
        let shown = self.citations.take(piece);
        self.show(shown).await
    }

    /// Tells what was held back.
    pub(super) async fn finish(&mut self) -> Result<(), Cut> {
        let shown = self.citations.finish();
        self.show(shown).await
    }

    async fn show(&mut self, shown: String) -> Result<(), Cut> {
        if !shown.is_empty() {
            self.text.push_str(&shown);
            self.tell(Told::Delta(shown)).await?;
        }
        for place in self.citations.named() {
            let Some(passage) = self.passages.get(place) else { continue };
            let citation = Citation {
                number: u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1),
                base: passage.base,
                document: passage.document,
                title: passage.title.clone(),
                position: passage.position,
            };
            self.cited.push(citation.clone());
            self.tell(Told::Citation(citation)).await?;
        }
        Ok(())
    }

    /// Asks a provider, and tells what it says as it comes.
    pub(super) async fn listen(
        &mut self,
        upstream: &Upstream,
        body: Bytes,
        first_within: Option<Duration>,
    ) -> Result<SaidNow, Stopped> {
        let first = async {
            let mut reading = upstream.ask(body).await?;
            let piece = reading.next().await?;
            Ok::<_, Failure>((reading, piece))
        };
        let (mut reading, mut piece) = match first_within {
            None => self.patience.wait(first).await??,
            Some(within) => {
                self.patience.wait(timeout(within, first)).await?.map_err(|_| Failure::Silent)??
            }
        };
        let mut text = String::new();
        loop {
            match piece {
                Piece::Text(piece) => {
                    if text.is_empty() && !self.text.is_empty() {
                        self.say("\n\n").await?;
                    }
                    self.said = true;
                    self.received(piece.len());
                    text.push_str(&piece);
                    self.say(&piece).await?;
                }
                Piece::Used(used) => {
                    if let Some(open) = &mut self.open {
                        open.used = Some(used);
                    }
                }
                Piece::End(calls) => {
                    self.received(calls.iter().map(|call| call.name.len() + call.arguments.len()).sum());
                    return Ok(SaidNow { text, calls });
                }
            }
            piece = self.patience.wait(reading.next()).await??;
        }
    }

    fn received(&mut self, bytes: usize) {
        if let Some(open) = &mut self.open {
            open.received = open.received.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// The answer as it is kept.
    pub(super) fn message(&self, status: MessageStatus) -> Message {
        Message {
            status,
            text: self.text.clone(),
            citations: self.cited.clone(),
            model: self.model.clone(),
            usage: self.usage,
            ..self.turn.asked.answer.clone()
        }
    }
}
