//! Conversations: begun, read, changed, removed.

use super::App;
use crate::domain::conversation::{Conversation, Message};
use crate::error::{AssistantError, AssistantResult};
use crate::store::{conversation, message};
use chassis::db::Tx;
use chassis::http::Cursor;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::assistant::{CreateConversation, ListConversations, ListMessages, UpdateConversation};
use contract::ids::ConversationId;

impl App {
    /// Begins a conversation, for an organisation when one is named.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] for an organisation to which who asks does not belong.
    pub(crate) async fn create(
        &self,
        who: &Principal,
        asked: CreateConversation,
    ) -> AssistantResult<(Tx, Conversation)> {
        let CreateConversation { title, organization_id: organization } = asked;
        if organization.is_some_and(|organization| who.role_in(organization).is_none()) {
            return Err(AssistantError::NotFound("organisation"));
        }
        let now = self.clock.now();
        let made = Conversation {
            id: ConversationId::new(),
            owner: who.user(),
            organization,
            title: title.map(|title| title.trim().to_owned()).unwrap_or_default(),
            archived_at: None,
            messages: 0,
            answering: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.db.begin().await?;
        conversation::insert(&mut tx, &made).await?;
        Ok((tx, made))
    }

    /// A conversation of who asks.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] also for another's.
    pub(crate) async fn conversation(
        &self,
        who: &Principal,
        id: ConversationId,
    ) -> AssistantResult<Conversation> {
        let found = conversation::find_of_owner(&self.db, who.user(), id).await?;
        found.ok_or(AssistantError::NotFound("conversation"))
    }

    /// A page of the conversations of who asks.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn conversations(
        &self,
        who: &Principal,
        asked: &ListConversations,
        after: Option<Cursor>,
    ) -> AssistantResult<(Vec<Conversation>, Option<Cursor>)> {
        let (owner, archived) = (who.user(), asked.archived);
        Ok(conversation::list_of_owner(&self.db, owner, archived, after, asked.limit).await?)
    }

    /// Renames a conversation of who asks, or puts it away.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] also for another's, [`AssistantError::Precondition`] when the client has seen another
    /// version.
    pub(crate) async fn change(
        &self,
        who: &Principal,
        id: ConversationId,
        change: UpdateConversation,
        seen: &IfMatch,
    ) -> AssistantResult<(Tx, Conversation)> {
        let mut tx = self.db.begin().await?;
        let old = conversation::hold_of_owner(&mut tx, who.user(), id).await?;
        let old = old.ok_or(AssistantError::NotFound("conversation"))?;
        seen.check(old.version).map_err(AssistantError::Precondition)?;
        let UpdateConversation { title, archived } = change;
        let at = old.next_time(self.clock.now());
        let archived_at = match archived {
            None => old.archived_at,
            Some(true) => old.archived_at.or(Some(at)),
            Some(false) => None,
        };
        let title = title.map_or_else(|| old.title.clone(), |title| title.trim().to_owned());
        if title == old.title && archived_at == old.archived_at {
            return Ok((tx, old));
        }
        let new = Conversation { title, archived_at, version: old.version + 1, updated_at: at, ..old };
        conversation::replace(&mut tx, &new).await?;
        Ok((tx, new))
    }

    /// Removes a conversation of who asks, with all that was said in it. What it has used stays in the accounts.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] also for another's, [`AssistantError::Precondition`] when the client has seen another
    /// version.
    pub(crate) async fn delete(
        &self,
        who: &Principal,
        id: ConversationId,
        seen: &IfMatch,
    ) -> AssistantResult<Tx> {
        let mut tx = self.db.begin().await?;
        let old = conversation::hold_of_owner(&mut tx, who.user(), id).await?;
        let old = old.ok_or(AssistantError::NotFound("conversation"))?;
        seen.check(old.version).map_err(AssistantError::Precondition)?;
        conversation::delete_of_owner(&mut tx, who.user(), id).await?;
        Ok(tx)
    }

    /// A page of what was said in a conversation of who asks, the latest first.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] also for another's.
    pub(crate) async fn messages(
        &self,
        who: &Principal,
        id: ConversationId,
        asked: &ListMessages,
        after: Option<Cursor>,
    ) -> AssistantResult<(Vec<Message>, Option<Cursor>)> {
        self.conversation(who, id).await?;
        Ok(message::list(&self.db, id, after, asked.limit).await?)
    }
}
