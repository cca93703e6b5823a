//! Profiles: one's own, others' as they let them be seen, and pictures.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::profile::Profile;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, profile, user};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::auth::{AuditAction, PublicProfile, SearchProfiles, UpdateProfile};
use contract::ids::UserId;

/// A picture, as it is answered.
pub struct Avatar {
    /// A JPEG.
    pub image: Vec<u8>,
    /// Its version.
    pub tag: String,
    /// Whether everybody may see it.
    pub public: bool,
}

impl App {
    /// The profile of who asks.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] when the account was removed since the token was signed.
    pub async fn my_profile(&self, who: &Principal) -> AuthResult<Profile> {
        profile::find(&self.db, who.user()).await?.ok_or(AuthError::NotFound("account"))
    }

    /// A profile as others see it.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] also for one that who asks may not see.
    pub async fn profile(&self, who: Option<UserId>, of: UserId) -> AuthResult<PublicProfile> {
        let found = profile::find(&self.db, of).await?.filter(|found| found.is_seen_by(who));
        found.map(Profile::shown).ok_or(AuthError::NotFound("profile"))
    }

    /// Profiles that others may see, found by what of them is shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search_profiles(&self, query: &SearchProfiles) -> AuthResult<Vec<PublicProfile>> {
        let found = profile::search(&self.db, &query.q, query.limit).await?;
        Ok(found.into_iter().map(Profile::shown).collect())
    }

    /// Changes the profile of who asks. One that says so already stays as it is.
    ///
    /// # Errors
    /// [`AuthError::Precondition`] when the client has seen another version.
    pub async fn update_profile(
        &self,
        who: &Principal,
        change: UpdateProfile,
        seen: &IfMatch,
        client: &Client,
    ) -> AuthResult<(Tx, Profile)> {
        self.change_profile(who, seen, client, |old| old.changed(change)).await
    }

    /// Keeps a picture of who asks, made from what was sent.
    ///
    /// # Errors
    /// [`AuthError::Picture`], and as [`App::update_profile`].
    pub async fn put_avatar(
        &self,
        who: &Principal,
        sent: Bytes,
        seen: &IfMatch,
        client: &Client,
    ) -> AuthResult<(Tx, Profile)> {
        // Before the transaction, which is to be short.
        let image = self.studio.make(sent).await?;
        let tag = hex::encode(&digest(&SHA256, &image).as_ref()[..16]);
        let new_tag = tag.clone();
        let change = |old: &Profile| Profile { avatar_tag: Some(new_tag), ..old.clone() };
        let (mut tx, profile) = self.change_profile(who, seen, client, change).await?;
        profile::put_avatar(&mut tx, who.user(), &image, &tag).await?;
        Ok((tx, profile))
    }

    /// Removes the picture of who asks. Without one nothing changes.
    ///
    /// # Errors
    /// As [`App::update_profile`].
    pub async fn delete_avatar(&self, who: &Principal, seen: &IfMatch, client: &Client) -> AuthResult<Tx> {
        let change = |old: &Profile| Profile { avatar_tag: None, ..old.clone() };
        let (mut tx, _) = self.change_profile(who, seen, client, change).await?;
        profile::delete_avatar(&mut tx, who.user()).await?;
        Ok(tx)
    }

    /// A picture.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] also for that of a profile that who asks may not see.
    pub async fn avatar(&self, who: Option<UserId>, of: UserId) -> AuthResult<Avatar> {
        let none = || AuthError::NotFound("picture");
        let found = profile::find(&self.db, of).await?.ok_or_else(none)?;
        if !found.is_seen_by(who) {
            return Err(none());
        }
        let (image, tag) = profile::find_avatar(&self.db, of).await?.ok_or_else(none)?;
        Ok(Avatar { image, tag, public: found.is_seen_by(None) })
    }

    async fn change_profile(
        &self,
        who: &Principal,
        seen: &IfMatch,
        client: &Client,
        change: impl FnOnce(&Profile) -> Profile + Send,
    ) -> AuthResult<(Tx, Profile)> {
        let now = self.clock.now();
        let write = self.views.changing_user(who.user()).await;
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, who.user()).await?;
        let old = profile::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        seen.check(old.tag()).map_err(AuthError::Precondition)?;
        let new = change(&old);
        if new == old {
            return Ok((tx, old));
        }
        profile::replace(&mut tx, &Profile { version: old.version + 1, updated_at: now, ..new.clone() })
            .await?;
        let event = AuditEvent::new(AuditAction::ProfileChanged, &client.origin).own(who.user());
        audit::insert(&mut tx, &event, now).await?;
        if new.display_name != old.display_name {
            user::set_display_name(&mut tx, who.user(), new.display_name.as_deref(), now).await?;
            let account = user::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
            write.put_after(&mut tx, account.view());
        }
        let kept = profile::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        Ok((tx, kept))
    }
}
