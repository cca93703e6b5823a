//! One connected client, whatever it is connected by: what it is to be sent next, and what it says.
//!
//! What must hold: right before anything is handed out, the person is still who they were, and a message is one that they may
//! read by what is known of them now. So nothing that waited in a queue outlives a logout or a lost role.

use super::Channel;
use super::hub::{Fate, Full, Seat, Way};
use super::message::Message;
use super::missed::{Catch, Missed};
use super::out::{End, Out};
use chassis::identity::{Principal, TokenError};
use contract::ErrorCode;
use contract::auth::Token;
use contract::live::{LogoutReason, ResetReason, ServerFrame, Subscription};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics::counter;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, Sleep, sleep_until};

/// After the end of a token, so that it has ended by every clock that is asked.
const AFTER_THE_END: Duration = Duration::from_millis(20);

/// One connected client.
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) seat: Seat,
    queue: Receiver<Arc<Message>>,
    pub(super) who: Principal,
    pub(super) token: Token,
    /// The number of keys taken back when the token was verified.
    pub(super) keys: u64,
    /// What it is told of, and from behind which position.
    pub(super) topics: Vec<(Subscription, i64)>,
    /// What waits to be sent; filled by what the client says and by what it has missed.
    out: VecDeque<Out>,
    /// Answers that say "everything up to here is there": what is in the queue up to there comes first.
    answers: VecDeque<(i64, ServerFrame)>,
    pub(super) catches: VecDeque<Catch>,
    pub(super) reading: Option<BoxFuture<'static, anyhow::Result<Missed>>>,
    tick: Pin<Box<Sleep>>,
    /// Since when it has not kept up.
    behind: Option<Instant>,
    ended: bool,
}

impl Session {
    /// Takes a place for somebody who was proved by a token.
    pub(super) fn begin(channel: &Channel, who: Principal, token: Token, way: Way) -> Result<Self, Full> {
        let keys = channel.hub.keys();
        let (seat, queue) = channel.hub.join(&who, way)?;
        let mut session = Self {
            channel: channel.clone(),
            seat,
            queue,
            who,
            token,
            keys,
            topics: Vec::new(),
            out: VecDeque::new(),
            answers: VecDeque::new(),
            catches: VecDeque::new(),
            reading: None,
            tick: Box::pin(sleep_until(Instant::now())),
            behind: None,
            ended: false,
        };
        session.rest();
        session.say(ServerFrame::Ready {
            user: session.who.user(),
            token_expires_at: session.who.expires().to_datetime(),
            heartbeat_secs: channel.heartbeat.as_secs(),
            position: session.at(channel.hub.head()),
        });
        Ok(session)
    }

    /// What is to be sent next; `None` at the end. Nothing is lost when this is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Option<Out> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(end) = self.must_end() {
                return Some(self.end(end));
            }
            match self.out.pop_front() {
                Some(Out::Message(message)) if !self.wants(&message) => continue,
                Some(Out::Missed(message)) if !message.may_be_read_by(&self.who) => continue,
                Some(Out::End(end)) => return Some(self.end(end)),
                Some(out) => return Some(out),
                None => {}
            }
            if !self.catches.is_empty() {
                self.catch_up().await;
                continue;
            }
            if self.queue.is_empty() && !self.answers.is_empty() {
                self.answer(i64::MAX);
                continue;
            }
            tokio::select! {
                biased;
                message = self.queue.recv() => match message {
                    // Handed out at the top: it may have been revoked while this was waited for.
                    Some(message) => {
                        self.answer(message.position - 1);
                        self.out.push_back(Out::Message(message));
                    }
                    None => self.resume(),
                },
                () = &mut self.tick => self.beat(),
            }
        }
    }

    /// Has something to tell.
    pub(super) fn say(&mut self, frame: ServerFrame) {
        self.out.push_back(Out::Frame(frame));
    }

    /// Gives the answers that are due once everything up to a position is there.
    fn answer(&mut self, until: i64) {
        while let Some((_, frame)) = self.answers.pop_front_if(|(position, _)| *position <= until) {
            self.say(frame);
        }
    }

    /// Has an error to tell.
    pub(super) fn complain(&mut self, code: ErrorCode, message: &str, topic: Option<Subscription>) {
        self.say(ServerFrame::Error { code: code.as_str().to_owned(), message: message.to_owned(), topic });
    }

    /// The number of its place, another for every connection of the process.
    pub(super) fn number(&self) -> u64 {
        self.seat.id
    }

    /// A position as the client gets it.
    pub(super) fn at(&self, position: i64) -> String {
        self.channel.epoch.at(position).to_string()
    }

    /// Why it has to end now.
    fn must_end(&mut self) -> Option<End> {
        if let Some(fate) = self.seat.fate() {
            return Some(fate.into());
        }
        if self.behind.is_some_and(|since| since.elapsed() > self.channel.slow) {
            return Some(End::Slow);
        }
        let verifier = &self.channel.verifier;
        let keys = self.channel.hub.keys();
        if keys != self.keys {
            if let Err(error) = verifier.verify(self.token.expose()) {
                return Some(why(error).into());
            }
            self.keys = keys;
        }
        verifier.still_holds(&self.who).err().map(|error| why(error).into())
    }

    /// Its queue has ended: it was full, and what came then is read from the history.
    fn resume(&mut self) {
        let Some((queue, behind)) = self.channel.hub.resume(self.seat.id) else {
            return self.out.push_back(Out::End(End::Bye));
        };
        counter!("live_behind_total").increment(1);
        self.queue = queue;
        self.behind.get_or_insert(behind.since);
        let topics: Vec<Subscription> = self.topics.iter().map(|(topic, _)| *topic).collect();
        self.catches.push_back(Catch { resumed: true, ..Catch::new(topics, behind.after) });
    }

    fn end(&mut self, end: End) -> Out {
        self.ended = true;
        counter!("live_dropped_total", "reason" => end.reason()).increment(1);
        Out::End(end)
    }

    /// Whether a message that came while it was connected is for it.
    fn wants(&self, message: &Message) -> bool {
        let wanted = |(topic, from): &(Subscription, i64)| {
            message.position > *from && message.is_for(topic, &self.who)
        };
        self.topics.iter().any(wanted)
    }

    /// A sign of life: everything up to the head was handed out.
    fn beat(&mut self) {
        self.rest();
        // The head first: what is before it is in the queue already.
        let head = self.channel.hub.head();
        if self.queue.is_empty() {
            let position = self.at(head);
            self.say(ServerFrame::Heartbeat { position });
        }
    }

    /// Until the next sign of life, or the end of the token if that is sooner.
    pub(super) fn rest(&mut self) {
        let channel = &self.channel;
        let left = self.who.expires().since(channel.clock.now()) + channel.verifier.leeway() + AFTER_THE_END;
        self.tick.as_mut().reset(Instant::now() + left.min(channel.heartbeat));
    }

    /// Tells it of these from now on.
    pub(super) fn join(&mut self, topics: Vec<Subscription>) {
        let has: Vec<Subscription> = self.topics.iter().map(|(topic, _)| *topic).collect();
        let new: Vec<Subscription> = topics.iter().filter(|topic| !has.contains(topic)).copied().collect();
        let Some(from) = self.channel.hub.subscribe(self.seat.id, &new, 0) else { return };
        self.keep_topics(&new, from);
        let position = self.at(from);
        self.answers.push_back((from, ServerFrame::Subscribed { topics, position }));
    }

    /// The same where something before is left out.
    pub(super) fn reset(&mut self, topics: Vec<Subscription>, reason: ResetReason) {
        let Some(from) = self.channel.hub.subscribe(self.seat.id, &topics, 0) else { return };
        self.keep_topics(&topics, from);
        counter!("live_resets_total", "reason" => reason.as_str()).increment(1);
        let position = self.at(from);
        self.answers.push_back((from, ServerFrame::Reset { topics, position, reason }));
    }

    /// Reads a part of what was missed. What is being read stays with the session when this is dropped.
    async fn catch_up(&mut self) {
        let Some(catch) = self.catches.front_mut() else { return };
        if catch.topics.is_empty() {
            // What it was behind with is not wanted any more.
            self.behind = None;
            return drop(self.catches.pop_front());
        }
        let reading = self.reading.get_or_insert_with(|| {
            catch.until = catch.joined.unwrap_or_else(|| self.channel.hub.head());
            let (who, topics) = (self.who.clone(), catch.topics.clone());
            self.channel.clone().missed(who, topics, catch.cursor, catch.until).boxed()
        });
        let read = reading.await;
        self.reading = None;
        let Some(mut catch) = self.catches.pop_front() else { return };
        match read {
            Ok(Missed::Part { messages, reached }) => {
                let asked =
                    |message: &Message| catch.topics.iter().any(|topic| message.is_for(topic, &self.who));
                let wanted = |message: &Arc<Message>| match catch.resumed {
                    true => self.wants(message),
                    false => asked(message),
                };
                let wanted: Vec<_> = messages.into_iter().filter(wanted).map(Out::Missed).collect();
                self.out.extend(wanted);
                catch.cursor = reached;
                self.go_on(catch);
            }
            Ok(Missed::Gone(reason)) => {
                if catch.resumed {
                    self.behind = None;
                }
                self.reset(catch.topics, reason);
            }
            Err(error) => {
                tracing::warn!(%error, "what a client has missed cannot be read; it comes back");
                self.catches.clear();
                self.out.push_back(Out::End(End::Bye));
            }
        }
    }

    /// Goes on catching up: up to where the others are, and then, being told, up to where that began.
    fn go_on(&mut self, mut catch: Catch) {
        if catch.joined.is_none() && catch.cursor >= catch.until {
            // `None`: it is told of nothing any more, and its queue says why.
            let Some(from) = self.channel.hub.subscribe(self.seat.id, &catch.topics, catch.cursor) else {
                return;
            };
            catch.joined = Some(from);
            if !catch.resumed {
                self.keep_topics(&catch.topics, from);
            }
        }
        match catch.joined {
            Some(from) if catch.cursor >= from && catch.resumed => self.behind = None,
            Some(from) if catch.cursor >= from => {
                let position = self.at(from);
                self.answers.push_back((from, ServerFrame::Subscribed { topics: catch.topics, position }));
            }
            _ => self.catches.push_front(catch),
        }
    }

    pub(super) fn keep_topics(&mut self, topics: &[Subscription], from: i64) {
        self.topics.retain(|(topic, _)| !topics.contains(topic));
        self.topics.extend(topics.iter().map(|topic| (*topic, from)));
    }
}

/// What it means for a connection that its token does not count any more.
pub(super) const fn why(error: TokenError) -> Fate {
    match error {
        TokenError::Invalid => Fate::Logout(LogoutReason::TokenInvalid),
        TokenError::Expired => Fate::Logout(LogoutReason::TokenExpired),
        // Who is told by the feed knows it more exactly; a refresh tells.
        TokenError::Revoked => Fate::Logout(LogoutReason::RightsChanged),
        // Nobody can tell, so it is told nothing: it comes back.
        TokenError::Stale => Fate::Bye,
    }
}
