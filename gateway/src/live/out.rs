//! What clients are sent, and why connections end.

use super::hub::Fate;
use super::message::Message;
use contract::live::{LogoutReason, ServerFrame};
use std::sync::Arc;

/// What a client is to be sent.
#[derive(Debug)]
pub(super) enum Out {
    /// What happened, while it was connected.
    Message(Arc<Message>),
    /// What happened while it was not.
    Missed(Arc<Message>),
    /// Anything else.
    Frame(ServerFrame),
    /// The last that it is sent.
    End(End),
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is not logged in any more.
    Logout(LogoutReason),
    /// It does not read as fast as it is told.
    Slow,
    /// The server goes away.
    Bye,
}

impl From<Fate> for End {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Bye => Self::Bye,
            Fate::Logout(reason) => Self::Logout(reason),
        }
    }
}

impl End {
    /// The frame that says so to the connection of this number.
    pub(super) const fn frame(self, connection: u64) -> ServerFrame {
        match self {
            Self::Logout(reason) => ServerFrame::Logout { reason },
            Self::Slow => ServerFrame::Slow,
            Self::Bye => ServerFrame::Bye { retry_after_ms: pause_ms(connection) },
        }
    }

    /// What it is counted as.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Logout(_) => "logout",
            Self::Slow => "slow",
            Self::Bye => "bye",
        }
    }
}

/// How long a client waits before it comes back: those that were sent away together come back one after another, within five
/// seconds.
pub(super) const fn pause_ms(connection: u64) -> u64 {
    // Neighbouring numbers are spread far apart (Knuth, volume 3, section 6.4).
    500 + connection.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 4_500
}
