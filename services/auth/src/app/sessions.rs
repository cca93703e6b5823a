//! The sessions of a person: seeing them and ending them.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, session, user};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::auth::{AuditAction, Revoked, Session};
use contract::ids::SessionId;

impl App {
    /// The live sessions of who asks, the last used first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions(&self, who: &Principal) -> AuthResult<Vec<Session>> {
        let live = session::list_live_of_user(&self.db, who.user(), self.clock.now()).await?;
        Ok(live.iter().map(|live| live.view(who.session())).collect())
    }

    /// Ends one session of who asks; another's does not exist for them.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] when they have no such live session.
    pub async fn end_session(&self, who: &Principal, id: SessionId, client: &Client) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !session::end_of_user(&mut tx, who.user(), id, now).await? {
            return Err(AuthError::NotFound("session"));
        }
        let event = AuditEvent::new(AuditAction::SessionEnded, &client.origin).own(who.user()).session(id);
        audit::insert(&mut tx, &event, now).await?;
        self.revoke(&mut tx, vec![Revoked::Session { session: id }], now).await?;
        Ok(tx)
    }

    /// Ends the session of who asks. Asking twice is no error.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logout(&self, who: &Principal, client: &Client) -> AuthResult<()> {
        match self.end_session(who, who.session(), client).await {
            Ok(tx) => Ok(tx.commit().await?),
            Err(AuthError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends every session of who asks but the one that asks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_other_sessions(&self, who: &Principal, client: &Client) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let ended = session::end_all_of_user(&mut tx, who.user(), Some(who.session()), now).await?;
        let event = AuditEvent::new(AuditAction::SessionsEnded, &client.origin).own(who.user());
        audit::insert(&mut tx, &event.with("count", ended.len()).with("which", "others"), now).await?;
        let revoked = ended.into_iter().map(|session| Revoked::Session { session }).collect();
        self.revoke(&mut tx, revoked, now).await?;
        Ok(tx)
    }

    /// Ends every session of who asks, and makes every access token of theirs outdated.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logout_all(&self, who: &Principal, client: &Client) -> AuthResult<()> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let version = user::bump_version(&mut tx, who.user()).await?;
        let ended = session::end_all_of_user(&mut tx, who.user(), None, now).await?;
        let event = AuditEvent::new(AuditAction::SessionsEnded, &client.origin).own(who.user());
        audit::insert(&mut tx, &event.with("count", ended.len()).with("which", "all"), now).await?;
        self.revoke(&mut tx, vec![Revoked::User { user: who.user(), version }], now).await?;
        Ok(tx.commit().await?)
    }
}
