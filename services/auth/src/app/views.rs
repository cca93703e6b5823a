//! What is read far more often than it changes: an account as its owner sees it, an organisation as a member does, the
//! key set. Whoever changes one of them says so here, in the transaction that changes it.
//!
//! Nothing is decided by a copy: who may change what is read from the database in the transaction that changes it. What a
//! person sees of an organisation is kept for that person alone, by the query that knows whether they belong to it.

use super::App;
use crate::error::{AuthError, AuthResult};
use crate::store::user::User;
use crate::store::{organization, user};
use chassis::cache::{Cache, Cached, Key, Policy, Write};
use chassis::db::{DbError, Tx};
use chassis::service::Context;
use chassis::state::Invalidation;
use contract::auth::{self, Jwks, Organization, OrganizationMemberJoined, OrganizationMemberLeft};
use contract::ids::{OrganizationId, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long an account or an organisation is kept, when nobody says that it has changed.
const KEPT: Duration = Duration::from_secs(60);
/// For how much longer it may be shown while the database is away.
const BRIDGED: Duration = Duration::from_secs(300);

/// The copies.
#[derive(Debug, Clone)]
pub(crate) struct Views {
    users: Cache<auth::User>,
    pub(crate) organizations: Cache<Organization>,
    keys: Cache<PublishedKeys>,
}

/// The key set, as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedKeys {
    /// The keys.
    pub jwks: Jwks,
    /// Its version.
    pub version: String,
}

impl Views {
    /// `keys_for` is how long a verifier may go without asking for the key set.
    pub(crate) fn new(context: &Context, keys_for: Duration) -> anyhow::Result<Self> {
        let read_often = Policy::of(KEPT).stale_if_error(BRIDGED);
        let keys = Policy::of(keys_for).jitter(0.0).in_process().max_entries(1).public(keys_for);
        Ok(Self {
            users: context.cache("users", read_often)?,
            organizations: context.cache("organizations", read_often)?,
            keys: context.cache("keys", keys)?,
        })
    }

    /// An account was changed in this transaction.
    pub(crate) fn user_changed(&self, tx: &mut Tx, user: UserId) {
        self.users.invalidate_after(tx, user.to_string());
    }

    /// An account is about to be changed by its owner, who looks at it next.
    pub(crate) async fn changing_user(&self, user: UserId) -> Write<auth::User> {
        self.users.write(user.to_string()).await
    }

    /// An account was changed by a process that has no readers.
    pub(crate) async fn forget_user(&self, user: UserId) {
        if let Err(error) = self.users.invalidate(user.to_string()).await {
            tracing::warn!(%error, "copies of the account are shown until their time is over");
        }
    }

    /// Somebody's membership was changed in this transaction.
    pub(crate) fn membership_changed(&self, tx: &mut Tx, organization: OrganizationId, user: UserId) {
        self.organizations.invalidate_tag_after(tx, membership(organization, user));
    }

    /// What [`Views::membership_changed`] forgets, for who hears of it by an event.
    pub(crate) fn joined(_: &Cache<Organization>, event: &OrganizationMemberJoined) -> Invalidation {
        of_membership(event.organization, event.user)
    }

    /// As [`Views::joined`].
    pub(crate) fn left(_: &Cache<Organization>, event: &OrganizationMemberLeft) -> Invalidation {
        of_membership(event.organization, event.user)
    }

    /// The key set was changed.
    pub(crate) async fn keys_changed(&self) {
        // It is of this process alone, so nobody else has to be told.
        drop(self.keys.invalidate("published").await);
    }
}

impl App {
    /// An account as its owner and an administrator see it.
    pub(super) async fn user_view(&self, id: UserId) -> AuthResult<Cached<auth::User>> {
        let db = self.db.clone();
        let load =
            move || async move { Ok::<_, DbError>(user::find(&db, id).await?.as_ref().map(User::view)) };
        self.views.users.get_or_load(id.to_string(), load).await?.ok_or(AuthError::NotFound("account"))
    }

    /// An organisation as this person sees it; `every` says that they may see all.
    pub(super) async fn organization_view(
        &self,
        id: OrganizationId,
        user: UserId,
        every: bool,
    ) -> AuthResult<Cached<Organization>> {
        let db = self.db.clone();
        let load = move || async move { organization::find_seen_by(&db, id, user, every).await };
        let seen = self.views.organizations.get_or_load(seen_by(id, user, every), load).await?;
        seen.ok_or(AuthError::NotFound("organisation"))
    }

    /// The key set that verifiers need now.
    ///
    /// # Errors
    /// Never in fact: it is there.
    pub async fn published_keys(&self) -> AuthResult<Cached<PublishedKeys>> {
        let app = self.clone();
        let load = move || async move {
            let (jwks, version) = app.keys.published(app.clock.now());
            Ok::<_, DbError>(Some(PublishedKeys { jwks, version }))
        };
        self.views.keys.get_or_load("published", load).await?.ok_or(AuthError::NotFound("key set"))
    }
}

/// What is seen depends on who looks and on whether they may see all; both are forgotten with the membership.
fn seen_by(organization: OrganizationId, user: UserId, every: bool) -> Key {
    let name = format!("{organization}:{user}:{}", if every { "any" } else { "own" });
    Key::new(name).tag(membership(organization, user))
}

fn membership(organization: OrganizationId, user: UserId) -> String {
    format!("membership:{organization}:{user}")
}

fn of_membership(organization: OrganizationId, user: UserId) -> Invalidation {
    Invalidation { tags: vec![membership(organization, user)], ..Invalidation::default() }
}
