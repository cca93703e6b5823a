//! A person's own account.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, user};
use chassis::cache::Cached;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::auth::{self, AuditAction, UpdateMe};

/// The version of an account's profile, for `ETag` and `If-Match`.
#[must_use]
pub fn version(account: &auth::User) -> i128 {
    account.updated_at.unix_timestamp_nanos() / 1_000
}

impl App {
    /// The account of who asks.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] when it was removed since the token was signed.
    pub async fn me(&self, who: &Principal) -> AuthResult<Cached<auth::User>> {
        self.user_view(who.user()).await
    }

    /// Changes the profile of who asks.
    ///
    /// # Errors
    /// [`AuthError::Precondition`] when the client has seen another version.
    pub async fn update_me(
        &self,
        who: &Principal,
        change: UpdateMe,
        seen: &IfMatch,
        client: &Client,
    ) -> AuthResult<(Tx, auth::User)> {
        let now = self.clock.now();
        let write = self.views.changing_user(who.user()).await;
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, who.user()).await?;
        let account = user::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        seen.check(version(&account.view())).map_err(AuthError::Precondition)?;
        let Some(name) = change.display_name else { return Ok((tx, account.view())) };
        let name = name.map(|name| name.trim().to_owned());
        user::set_display_name(&mut tx, who.user(), name.as_deref(), now).await?;
        let event = AuditEvent::new(AuditAction::ProfileChanged, &client.origin).own(who.user());
        audit::insert(&mut tx, &event, now).await?;
        let account = user::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        write.put_after(&mut tx, account.view());
        Ok((tx, account.view()))
    }
}
