//! What the command line asks of identity, on the database directly: it works while the platform runs and while it does
//! not.

use crate::Auth;
use crate::app::{KeyRing, RotatedKey, Rotation, Views, known_of};
use crate::config::AuthConfig;
use crate::domain::audit::{AuditEvent, Origin};
use crate::domain::email::Email;
use crate::domain::password;
use crate::domain::password::PasswordHash;
use crate::domain::signing_key::MasterKey;
use crate::store::user::User;
use crate::store::{audit, user};
use anyhow::{Context as _, bail};
use chassis::run::{Platform, offline};
use chassis::service::Context;
use contract::auth::{AuditAction, Password, UserRegistered, UserStatus};
use contract::identity::Role;
use contract::ids::UserId;
use std::time::Duration;

/// What [`create_admin`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedAdmin {
    /// The account.
    pub id: UserId,
    /// Whether the account was there before and only became an administrator's; its password is as it was.
    pub promoted: bool,
}

/// Makes an administrator's account with a proved address, or makes the account of this address an administrator's. The
/// password of an account that exists is left alone.
///
/// # Errors
/// For an address or a password that is not accepted, and when the database fails.
pub fn create_admin(
    platform: Platform,
    email: &str,
    password: Option<Password>,
) -> anyhow::Result<CreatedAdmin> {
    let email = Email::parse(email).with_context(|| format!("{email}: not an e-mail address"))?;
    offline::<Auth, _, _>(platform, |config, context| admin(config, context, email, password))
}

async fn admin(
    config: AuthConfig,
    context: Context,
    email: Email,
    password: Option<Password>,
) -> anyhow::Result<CreatedAdmin> {
    let (db, now) = (context.db()?, context.clock().now());
    if let Some(account) = user::find_by_email(&db, &email).await? {
        return promote(&context, account).await;
    }
    let password = password.context("there is no such account yet, so it needs a password")?;
    let about = known_of(email.as_str(), None);
    password::check(&password, &about.iter().map(String::as_str).collect::<Vec<_>>())?;
    let hash = PasswordHash::new(&password, config.cost())?;
    let mut account = User::new(&email, None, hash, vec![Role::User, Role::Admin], now);
    // Who can work on the database need not prove an address to it.
    account.email_verified_at = Some(now);
    let mut tx = db.begin().await?;
    if !user::insert(&mut tx, &account).await? {
        bail!("{email}: the account was just made by somebody else; try again");
    }
    let event = AuditEvent::new(AuditAction::AdminCreated, &Origin::default()).about(account.id);
    audit::insert(&mut tx, &event.with("promoted", false), now).await?;
    context.outbox()?.publish(&mut tx, &UserRegistered { user: account.id }).await?;
    tx.commit().await?;
    Ok(CreatedAdmin { id: account.id, promoted: false })
}

async fn promote(context: &Context, account: User) -> anyhow::Result<CreatedAdmin> {
    let (db, now) = (context.db()?, context.clock().now());
    let mut tx = db.begin().await?;
    user::lock(&mut tx, account.id).await?;
    let account = user::find_in(&mut tx, account.id).await?.context("the account is gone")?;
    let mut roles = account.roles.clone();
    if !roles.contains(&Role::Admin) {
        roles.push(Role::Admin);
        roles.sort();
    }
    user::set_rights(&mut tx, account.id, &roles, UserStatus::Active, now).await?;
    let event = AuditEvent::new(AuditAction::AdminCreated, &Origin::default()).about(account.id);
    audit::insert(&mut tx, &event.with("promoted", true), now).await?;
    // Its tokens of before say less than it may now, so they need no revocation; the next refresh brings the role.
    tx.commit().await?;
    Views::new(context, Duration::from_secs(1))?.forget_user(account.id).await;
    Ok(CreatedAdmin { id: account.id, promoted: true })
}

/// The account of an address, and its roles; `None` when there is none.
///
/// # Errors
/// For what is no address, and when the database fails.
pub fn find_account(platform: Platform, email: &str) -> anyhow::Result<Option<(UserId, Vec<Role>)>> {
    let email = Email::parse(email).with_context(|| format!("{email}: not an e-mail address"))?;
    offline::<Auth, _, _>(platform, |_, context| async move {
        let account = user::find_by_email(&context.db()?, &email).await?;
        Ok(account.map(|account| (account.id, account.roles)))
    })
}

/// Makes a new signing key. With `at_once` it signs immediately and every token that older keys signed is void.
/// Running processes learn of it within a second.
///
/// # Errors
/// When the master key cannot be had or the database fails.
pub fn rotate_keys(platform: Platform, at_once: bool) -> anyhow::Result<RotatedKey> {
    offline::<Auth, _, _>(platform, |config, context| async move {
        let master = master_key(&config, &context)?;
        let activation = Duration::from_secs(config.key_activation_secs);
        let rotation = if at_once { Rotation::Immediate } else { Rotation::Planned { activation } };
        let lifetime = Duration::from_secs(config.access_token_secs);
        KeyRing::rotate(&context.db()?, &master, rotation, lifetime, context.clock().now()).await
    })
}

/// The master key that was set, or in development the one of the data folder.
pub(crate) fn master_key(config: &AuthConfig, context: &Context) -> anyhow::Result<MasterKey> {
    let secret = context.secret("master_key", config.master_key.as_ref())?;
    Ok(MasterKey::new(&secret)?)
}
