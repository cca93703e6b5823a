//! What a client says, and what follows from it.

use super::missed::Catch;
use super::position::Read;
use super::session::Session;
use chassis::error::ApiError;
use chassis::identity::Principal;
use contract::ErrorCode;
use contract::auth::Token;
use contract::live::{ClientFrame, ResetReason, ServerFrame, Subscription, Which};
use std::collections::BTreeSet;

impl Session {
    /// Heeds a frame.
    pub(super) fn heed(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Authenticate { token } => self.authenticate(token),
            ClientFrame::Subscribe { topics, after } => self.subscribe(topics, after.as_deref()),
            ClientFrame::Unsubscribe { topics } => {
                self.take_back(&topics);
                self.say(ServerFrame::Unsubscribed { topics });
            }
            ClientFrame::Ping { id } => self.say(ServerFrame::Pong { id }),
        }
    }

    /// Begins to tell it of these, from behind a position or from now on.
    pub(super) fn subscribe(&mut self, mut topics: Vec<Subscription>, after: Option<&str>) {
        topics.sort_unstable();
        topics.dedup();
        for refused in refused(&topics, &self.who) {
            self.complain(ErrorCode::Forbidden, FORBIDDEN, Some(refused));
        }
        topics.retain(|topic| may(topic, &self.who));
        if topics.is_empty() {
            return;
        }
        let caught = self.catches.iter().flat_map(|catch| &catch.topics);
        let has = self.topics.iter().map(|(topic, _)| topic).chain(caught);
        let all: BTreeSet<&Subscription> = has.chain(&topics).collect();
        if all.len() > self.channel.most_topics {
            return self.complain(
                ErrorCode::Validation,
                "These are too many topics for one connection.",
                None,
            );
        }
        match after.map(|after| self.channel.epoch.read(after)) {
            None => self.join(topics),
            Some(Read::Here(after)) => {
                // What it is told of already is told again from there, and not twice at once.
                self.take_back(&topics);
                self.catches.push_back(Catch::new(topics, after));
            }
            Some(Read::Elsewhere) => {
                self.take_back(&topics);
                self.reset(topics, ResetReason::Unknown);
            }
            Some(Read::Nonsense) => {
                self.complain(ErrorCode::Validation, "`after` must be a position of this channel.", None);
            }
        }
    }

    /// Tells it of these no more.
    fn take_back(&mut self, topics: &[Subscription]) {
        self.channel.hub.unsubscribe(self.seat.id, topics);
        self.topics.retain(|(topic, _)| !topics.contains(topic));
        let first = self.catches.front().map(|catch| catch.topics.len());
        for catch in &mut self.catches {
            catch.topics.retain(|topic| !topics.contains(topic));
        }
        if self.catches.front().map(|catch| catch.topics.len()) != first {
            // What is being read was asked for more than is wanted.
            self.reading = None;
        }
        // One that fell behind stays: with nothing left to read, it has caught up.
        self.catches.retain(|catch| catch.resumed || !catch.topics.is_empty());
    }

    /// Another token in time.
    fn authenticate(&mut self, token: Token) {
        let keys = self.channel.hub.keys();
        let who = match self.channel.verifier.verify(token.expose()) {
            Ok(who) => who,
            Err(error) => {
                let error = ApiError::from(error);
                return self.complain(
                    error.code(),
                    "The token does not hold; the one before counts on.",
                    None,
                );
            }
        };
        if who.user() != self.who.user() {
            return self.complain(ErrorCode::Forbidden, "This is another person's token.", None);
        }
        let told: Vec<Subscription> = self.topics.iter().map(|(topic, _)| *topic).collect();
        let lost = refused(&told, &who);
        self.take_back(&lost);
        self.channel.hub.renew(self.seat.id, &who);
        (self.who, self.token, self.keys) = (who, token, keys);
        self.rest();
        self.say(ServerFrame::Authenticated { token_expires_at: self.who.expires().to_datetime() });
        for topic in lost {
            self.complain(ErrorCode::Forbidden, FORBIDDEN, Some(topic));
        }
    }
}

/// What somebody is told who may not.
pub(super) const FORBIDDEN: &str = "This topic needs a permission that you do not have.";

/// Whether somebody may ask for a topic. What they are told of it is decided for each message.
pub(super) fn may(topic: &Subscription, who: &Principal) -> bool {
    topic.which != Which::All || topic.topic.staff().is_some_and(|permission| who.may(permission))
}

fn refused(topics: &[Subscription], who: &Principal) -> Vec<Subscription> {
    topics.iter().filter(|topic| !may(topic, who)).copied().collect()
}
