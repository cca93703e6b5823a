//! A session begins, or goes on, with a pair of tokens.

use super::{App, Client};
use crate::domain::access_token::Subject;
use crate::domain::audit::AuditEvent;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::Ends;
use crate::error::{AuthError, AuthResult};
use crate::store::session::Session;
use crate::store::user::User;
use crate::store::{audit, membership, refresh_token, session};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::auth::{AuditAction, Revoked, TokenType, Tokens};
use contract::ids::SessionId;

/// A session that begins with the commit.
pub(super) struct Started {
    pub(super) id: SessionId,
    pub(super) tokens: Tokens,
    /// To be revoked at the end of the transaction: sessions that made room.
    pub(super) evicted: Vec<Revoked>,
}

impl App {
    /// Begins a session of a person whose row this transaction holds.
    pub(super) async fn start_session(
        &self,
        tx: &mut Tx,
        user: &User,
        client: &Client,
        device: Option<String>,
        now: Ts,
    ) -> AuthResult<Started> {
        let mut evicted = Vec::new();
        for id in self.limits.evict(session::last_uses_of_user(tx, user.id, now).await?) {
            session::end(tx, id, now).await?;
            let event =
                AuditEvent::new(AuditAction::SessionEvicted, &client.origin).about(user.id).session(id);
            audit::insert(tx, &event, now).await?;
            evicted.push(Revoked::Session { session: id });
        }
        let id = SessionId::new();
        let begun = Session {
            id,
            user: user.id,
            device: client.device(device),
            ip: client.origin.ip.map(|ip| ip.to_string()),
            created_at: now,
            last_used_at: now,
            ends: self.limits.begin(now),
        };
        session::insert(tx, &begun).await?;
        let token = RefreshToken::new(id).map_err(anyhow::Error::from)?;
        refresh_token::insert(tx, &token.hash(), id, now).await?;
        Ok(Started { id, tokens: self.tokens(tx, user, &token, begun.ends, now).await?, evicted })
    }

    /// The pair of tokens with which a session goes on.
    pub(super) async fn tokens(
        &self,
        tx: &mut Tx,
        user: &User,
        refresh: &RefreshToken,
        ends: Ends,
        now: Ts,
    ) -> AuthResult<Tokens> {
        let subject = Subject {
            user: user.id,
            session: refresh.session(),
            version: user.version,
            roles: user.roles.clone(),
            memberships: membership::list_of_user(tx, user.id).await?,
            verified: user.email_verified_at.is_some(),
            session_ends: ends.expires_at,
        };
        let expires_in = self.issue.holds(&subject, now).as_secs();
        let key = self.keys.signing(now).map_err(|error| AuthError::Defect(error.into()))?;
        Ok(Tokens {
            access_token: self.issue.mint(subject, &key, now).map_err(anyhow::Error::from)?,
            refresh_token: refresh.reveal(),
            token_type: TokenType::Bearer,
            expires_in,
        })
    }
}
