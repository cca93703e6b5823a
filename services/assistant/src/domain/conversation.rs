//! Conversations and messages as the service has them.

use chassis::clock::Ts;
use contract::assistant::{self, Citation, MessageRole, MessageStatus, MessageUsage};
use contract::ids::{ConversationId, MessageId, OrganizationId, UserId};
use std::time::Duration;

/// Characters of a title that is made of a first message.
const TITLE: usize = 60;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its identifier.
    pub id: ConversationId,
    /// Whose it is.
    pub owner: UserId,
    /// The organisation whose budget it counts against too.
    pub organization: Option<OrganizationId>,
    /// What it is called.
    pub title: String,
    /// When it was put away.
    pub archived_at: Option<Ts>,
    /// Messages in it.
    pub messages: u64,
    /// The answer that is being made, and until when nobody else may begin one.
    pub answering: Option<(MessageId, Ts)>,
    /// Every change raises it.
    pub version: i64,
    /// When it began.
    pub created_at: Ts,
    /// When something was said in it last, or it was changed.
    pub updated_at: Ts,
}

impl Conversation {
    /// How long until another question may be asked; `None` when one may be now.
    #[must_use]
    pub fn busy_for(&self, now: Ts) -> Option<Duration> {
        let (_, until) = self.answering?;
        (until > now).then(|| until.since(now))
    }

    /// The time of the next message: behind whatever was said before, also when clocks of replicas differ.
    #[must_use]
    pub fn next_time(&self, now: Ts) -> Ts {
        now.max(self.updated_at + Duration::from_micros(1))
    }

    /// As its owner sees it.
    #[must_use]
    pub fn whole(&self) -> assistant::Conversation {
        assistant::Conversation {
            id: self.id,
            title: self.title.clone(),
            organization_id: self.organization,
            archived: self.archived_at.is_some(),
            messages: self.messages,
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
        }
    }
}

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its identifier.
    pub id: MessageId,
    /// The conversation that it is in.
    pub conversation: ConversationId,
    /// On an answer, what it answers.
    pub question: Option<MessageId>,
    /// Who said it.
    pub role: MessageRole,
    /// What became of it.
    pub status: MessageStatus,
    /// What it says.
    pub text: String,
    /// On what it rests.
    pub citations: Vec<Citation>,
    /// What wrote it.
    pub model: Option<String>,
    /// What it has cost.
    pub usage: MessageUsage,
    /// When it was said.
    pub created_at: Ts,
}

impl Message {
    /// As the owner of the conversation sees it.
    #[must_use]
    pub fn whole(&self) -> assistant::Message {
        assistant::Message {
            id: self.id,
            conversation: self.conversation,
            role: self.role,
            status: self.status,
            text: self.text.clone(),
            citations: self.citations.clone(),
            model: self.model.clone(),
            usage: (self.role == MessageRole::Assistant).then_some(self.usage),
            created_at: self.created_at.to_datetime(),
        }
    }
}

/// The title of a conversation that begins with this text: its first words, on one line.
#[must_use]
pub fn title_of(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE {
        return line;
    }
    let cut: String = line.chars().take(TITLE - 1).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{whole_words}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_title_is_one_line_of_whole_words() {
        assert_eq!(title_of("  When do\n\twe move? "), "When do we move?");
        let long = "What do my notes say about everything that has to be done before the move?";
        assert_eq!(title_of(long), "What do my notes say about everything that has to be done…");
    }

    proptest! {
        #[test]
        fn a_title_is_never_too_long_and_never_cut_in_a_letter(text in "\\PC{1,300}") {
            let title = title_of(&text);
            prop_assert!(title.chars().count() <= TITLE);
            prop_assert!(!title.contains('\n'));
        }
    }
}
