//! The frames of the live channel, the same over WebSocket (a text frame each) and over server-sent events (an event each,
//! named like its type).
//!
//! A position is a text without meaning to a client: the place of a message in the order of all messages, as it is handed
//! back in `after`.

use super::Subscription;
use super::topic::Topic;
use crate::auth::Token;
use crate::ids::UserId;
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a client says.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ClientFrame {
    /// Who it is, where the request for the connection could not say so; and again before the token ends.
    Authenticate {
        /// An access token.
        token: Token,
    },
    /// What it wants to be told of.
    Subscribe {
        /// Added to what it is told of already.
        topics: Vec<Subscription>,
        /// The position of the last message that it has of these; absent for what happens from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// What it does not want to be told of any more.
    Unsubscribe {
        /// Taken from what it is told of.
        topics: Vec<Subscription>,
    },
    /// Whether the server is there: answered with `pong`.
    Ping {
        /// Comes back in the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
}

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ServerFrame {
    /// The client is known from here on.
    Ready {
        /// Who it is.
        user: UserId,
        /// When its token ends, and the connection with it unless it brings another.
        #[serde(with = "time::serde::rfc3339")]
        token_expires_at: OffsetDateTime,
        /// A frame comes at least so often, in seconds: after twice that the connection is dead.
        heartbeat_secs: u64,
        /// Where the server is now.
        position: String,
    },
    /// A token in time: the connection goes on.
    Authenticated {
        /// When it ends.
        #[serde(with = "time::serde::rfc3339")]
        token_expires_at: OffsetDateTime,
    },
    /// It is told of these; what it had missed has come before this frame.
    Subscribed {
        /// These topics.
        topics: Vec<Subscription>,
        /// It has everything of them up to here.
        position: String,
    },
    /// It is told of these no more.
    Unsubscribed {
        /// These topics.
        topics: Vec<Subscription>,
    },
    /// Something happened.
    Message {
        /// The topic.
        topic: Topic,
        /// The thing that it happened to.
        id: Uuid,
        /// What happened: the type of the event, without its version.
        event: String,
        /// Where it stands among all messages; each has its own, and they come in their order.
        position: String,
        /// When it happened.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// What there is to see of it.
        data: Value,
    },
    /// What was missed of these cannot be told any more: load them anew. It goes on from `position`.
    Reset {
        /// These topics.
        topics: Vec<Subscription>,
        /// From here on nothing is left out.
        position: String,
        /// Why.
        reason: ResetReason,
    },
    /// A sign of life.
    Heartbeat {
        /// It has everything of its topics up to here.
        position: String,
    },
    /// The answer to a `ping`.
    Pong {
        /// As it came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// It is not logged in any more: the connection ends, and the token with it is worth nothing.
    Logout {
        /// Why.
        reason: LogoutReason,
    },
    /// It does not read as fast as it is told: the connection ends. It comes back and goes on behind the last position that it
    /// has, or asks for less.
    Slow,
    /// The server goes away: come back, and go on behind the last position.
    Bye {
        /// Milliseconds to wait before that, another number for every client.
        retry_after_ms: u64,
    },
    /// A frame of the client was not heeded.
    Error {
        /// One of the closed list of error codes.
        code: String,
        /// For a person.
        message: String,
        /// The topic that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<Subscription>,
    },
}

texts! {
    /// Why somebody is not logged in any more.
    LogoutReason {
        /// The session was ended: by them, on another device, or by an administrator.
        SessionEnded = "SESSION_ENDED",
        /// What they may do has changed, or all of their sessions were ended. A refreshed token says what holds now.
        RightsChanged = "RIGHTS_CHANGED",
        /// The token has ended and no other was brought in time.
        TokenExpired = "TOKEN_EXPIRED",
        /// The token does not verify any more: its key was taken back.
        TokenInvalid = "TOKEN_INVALID",
    }
}

texts! {
    /// Why what was missed cannot be told.
    ResetReason {
        /// It is not kept any more.
        TooOld = "TOO_OLD",
        /// The position is none of this server's history.
        Unknown = "UNKNOWN",
    }
}
