//! Other people's accounts, for an administrator.
//!
//! Whoever changes rights holds one lock for all of them, so that who asks is still an administrator when the change is
//! made; see [`crate::domain::rights`] for why one always remains.

use super::{App, Client, profile_version};
use crate::domain::audit::AuditEvent;
use crate::domain::rights::Rights;
use crate::error::{AuthError, AuthResult};
use crate::store::user_list::{self, SortBy};
use crate::store::{audit, session, user};
use chassis::cache::Cached;
use chassis::db::Tx;
use chassis::http::Page;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::auth::{self, AuditAction, ListUsers, Revoked, UpdateUser, UserStatus};
use contract::identity::Role;
use contract::ids::UserId;

impl App {
    /// A page of the accounts that a filter lets through, in this order (descending or not), and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts(
        &self,
        filter: &ListUsers,
        order: (SortBy, bool),
        page: Page,
    ) -> AuthResult<(Vec<auth::User>, u64)> {
        Ok(user_list::list(&self.db, filter, order, page).await?)
    }

    /// An account.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn account(&self, id: UserId) -> AuthResult<Cached<auth::User>> {
        self.user_view(id).await
    }

    /// Changes the roles or the status of an account. Its access tokens are revoked; who is disabled is logged out too.
    ///
    /// # Errors
    /// [`AuthError::NotFound`], [`AuthError::Precondition`] when the client has seen another version, and
    /// [`AuthError::Rights`] when the rules do not allow it.
    pub async fn update_account(
        &self,
        who: &Principal,
        id: UserId,
        request: &UpdateUser,
        seen: &IfMatch,
        client: &Client,
    ) -> AuthResult<(Tx, auth::User)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        user::lock_rights(&mut tx).await?;
        user::lock(&mut tx, id).await?;
        let account = user::find_in(&mut tx, id).await?.ok_or(AuthError::NotFound("account"))?;
        let actor = user::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        seen.check(profile_version(&account.view())).map_err(AuthError::Precondition)?;
        let from = Rights::new(&account.roles, account.status);
        let to = from.changed(request);
        to.may_be_set_by(&Rights::new(&actor.roles, actor.status), who.user() == id)?;
        if to == from {
            return Ok((tx, account.view()));
        }
        user::set_rights(&mut tx, id, &to.roles, to.status, now).await?;
        self.views.user_changed(&mut tx, id);
        let version = user::bump_version(&mut tx, id).await?;
        let mut ended = Vec::new();
        if to.status == UserStatus::Disabled {
            ended = session::end_all_of_user(&mut tx, id, None, now).await?;
        }
        for event in events(&from, &to, ended.len(), client) {
            audit::insert(&mut tx, &event.by(who.user()).about(id), now).await?;
        }
        let account = user::find_in(&mut tx, id).await?.ok_or(AuthError::NotFound("account"))?;
        self.revoke(&mut tx, vec![Revoked::User { user: id, version }], now).await?;
        Ok((tx, account.view()))
    }

    /// Ends every session of an account, and makes every access token of it outdated.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn log_account_out(&self, who: &Principal, id: UserId, client: &Client) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !user::lock(&mut tx, id).await? {
            return Err(AuthError::NotFound("account"));
        }
        let version = user::bump_version(&mut tx, id).await?;
        let ended = session::end_all_of_user(&mut tx, id, None, now).await?;
        let event = AuditEvent::new(AuditAction::UserLoggedOut, &client.origin).by(who.user()).about(id);
        audit::insert(&mut tx, &event.with("sessionsEnded", ended.len()), now).await?;
        self.revoke(&mut tx, vec![Revoked::User { user: id, version }], now).await?;
        Ok(tx)
    }
}

/// One event for the roles and one for the status, when they change.
fn events(from: &Rights, to: &Rights, ended: usize, client: &Client) -> Vec<AuditEvent> {
    let mut events = Vec::new();
    if from.roles != to.roles {
        let names = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>();
        let event = AuditEvent::new(AuditAction::UserRolesChanged, &client.origin);
        events.push(event.with("from", names(&from.roles)).with("to", names(&to.roles)));
    }
    if from.status != to.status {
        events.push(match to.status {
            UserStatus::Active => AuditEvent::new(AuditAction::UserEnabled, &client.origin),
            UserStatus::Disabled => {
                AuditEvent::new(AuditAction::UserDisabled, &client.origin).with("sessionsEnded", ended)
            }
        });
    }
    events
}
