//! Trading a refresh token for the next pair.
//!
//! The session's row is held first, so that all refreshes of a session follow one another. The token is then replaced
//! by compare-and-set. Who comes with a token that was just replaced gets the successor that it was replaced with; who
//! comes later with it ends the session: either they or the owner have a stolen copy, and nobody can tell which.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::refresh_token::{RefreshToken, Return};
use crate::error::{AuthError, AuthResult};
use crate::store::session::Session;
use crate::store::{audit, refresh_token, session, user};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::auth::{AuditAction, Refresh, Revoked, Tokens, UserStatus};

impl App {
    /// Replaces the refresh token and signs a new access token.
    ///
    /// # Errors
    /// [`AuthError::InvalidRefreshToken`] when the token is unknown, its session is over, or it was used before.
    pub async fn refresh(&self, request: &Refresh, client: &Client) -> AuthResult<Tokens> {
        let sent = RefreshToken::parse(&request.refresh_token).map_err(|_| AuthError::InvalidRefreshToken)?;
        let successor = RefreshToken::new(sent.session()).map_err(anyhow::Error::from)?;
        let sealed = sent.seal_successor(&successor).map_err(anyhow::Error::from)?;
        let hash = sent.hash();

        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let live = session::lock_live(&mut tx, sent.session(), now).await?;
        let live = live.ok_or(AuthError::InvalidRefreshToken)?;
        let mut ends = live.ends;
        let goes_on = if refresh_token::replace(&mut tx, &hash, live.id, &sealed, now).await? {
            refresh_token::insert(&mut tx, &successor.hash(), live.id, now).await?;
            ends = self.limits.used(now, ends.ends_at);
            session::touch(&mut tx, live.id, client.origin.ip, now, ends.expires_at).await?;
            successor
        } else {
            let kept = refresh_token::find(&mut tx, &hash, live.id).await?;
            // A token that this session never had is a guess, or of a session that was swept: nothing to revoke.
            let kept = kept.ok_or(AuthError::InvalidRefreshToken)?;
            let (Some(replaced_at), Some(sealed)) = (kept.replaced_at, kept.successor) else {
                return Err(anyhow::anyhow!("a refresh token was replaced by nothing").into());
            };
            match Return::judge(replaced_at, now, self.refresh_grace) {
                Return::Repeated => sent.open_successor(&sealed).map_err(anyhow::Error::from)?,
                Return::Reused => return self.end_reused(tx, &live, client, now).await,
            }
        };
        let account = user::find_in(&mut tx, live.user).await?;
        let account = account.filter(|account| account.status == UserStatus::Active);
        let account = account.ok_or(AuthError::InvalidRefreshToken)?;
        let tokens = self.tokens(&mut tx, &account, &goes_on, ends, now).await?;
        tx.commit().await?;
        Ok(tokens)
    }

    async fn end_reused(&self, mut tx: Tx, live: &Session, client: &Client, now: Ts) -> AuthResult<Tokens> {
        session::end(&mut tx, live.id, now).await?;
        let event = AuditEvent::new(AuditAction::RefreshTokenReused, &client.origin);
        audit::insert(&mut tx, &event.about(live.user).session(live.id), now).await?;
        self.revoke(&mut tx, vec![Revoked::Session { session: live.id }], now).await?;
        tx.commit().await?;
        metrics::counter!("auth_refresh_tokens_reused_total").increment(1);
        tracing::warn!(session = %live.id, "a refresh token was used again; its session was ended");
        Err(AuthError::InvalidRefreshToken)
    }
}
