//! Members of an organisation: another role for one, and the end of a membership.
//!
//! The organisation's row is held first, so that all changes of its members follow one another: the owners that are
//! counted are the owners that there are. A role that changes or ends revokes the person's access tokens; a session
//! goes on with a refresh.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::organization::Change;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, membership, user};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::auth::{ActiveMember, AuditAction, ListActiveMembers, Member, OrganizationMemberLeft, Revoked};
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, UserId};

impl App {
    /// Sets the role of a member.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for another's organisation and for who is no member of it, [`AuthError::Member`] when the
    /// rules do not allow it.
    pub async fn set_member_role(
        &self,
        who: &Principal,
        id: OrganizationId,
        user: UserId,
        role: OrganizationRole,
        client: &Client,
    ) -> AuthResult<(Tx, Member)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let member = self.changeable(&mut tx, who, id, user, Some(role)).await?;
        if member.role == role {
            return Ok((tx, member));
        }
        membership::set_role(&mut tx, id, user, role).await?;
        self.views.membership_changed(&mut tx, id, user);
        let version = user::bump_version(&mut tx, user).await?;
        let event = AuditEvent::new(AuditAction::MemberRoleChanged, &client.origin).by(who.user());
        let event = event.about(user).organization(id);
        let event = event.with("from", member.role.as_str()).with("to", role.as_str());
        audit::insert(&mut tx, &event, now).await?;
        self.revoke(&mut tx, vec![Revoked::User { user, version }], now).await?;
        Ok((tx, Member { role, ..member }))
    }

    /// Ends a membership; everybody may end their own.
    ///
    /// # Errors
    /// As [`App::set_member_role`].
    pub async fn remove_member(
        &self,
        who: &Principal,
        id: OrganizationId,
        user: UserId,
        client: &Client,
    ) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let member = self.changeable(&mut tx, who, id, user, None).await?;
        membership::delete(&mut tx, id, user).await?;
        self.views.membership_changed(&mut tx, id, user);
        let version = user::bump_version(&mut tx, user).await?;
        let event = AuditEvent::new(AuditAction::MemberRemoved, &client.origin).by(who.user());
        let event = event.about(user).organization(id).with("role", member.role.as_str());
        audit::insert(&mut tx, &event, now).await?;
        self.revoke(&mut tx, vec![Revoked::User { user, version }], now).await?;
        self.outbox.publish(&mut tx, &OrganizationMemberLeft { organization: id, user }).await?;
        Ok(tx)
    }

    /// Those in an organisation who have at least a role and whose accounts are in use, by identifier. For services.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn active_members(
        &self,
        id: OrganizationId,
        query: &ListActiveMembers,
    ) -> AuthResult<Vec<ActiveMember>> {
        Ok(membership::list_in_use(&self.db, id, query).await?)
    }

    /// A member whose account is in use, as it is now and never from a copy. For services.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn active_member(&self, id: OrganizationId, user: UserId) -> AuthResult<ActiveMember> {
        membership::find_in_use(&self.db, id, user).await?.ok_or(AuthError::NotFound("member"))
    }

    /// The member whose role may become `to`, with the organisation held.
    async fn changeable(
        &self,
        tx: &mut Tx,
        who: &Principal,
        id: OrganizationId,
        user: UserId,
        to: Option<OrganizationRole>,
    ) -> AuthResult<Member> {
        let (_, actor) = self.hold_organization(tx, id, who.user()).await?;
        let member = membership::find(tx, id, user).await?.ok_or(AuthError::NotFound("member"))?;
        let owners = membership::count_owners(tx, id).await?;
        Change { actor, own: who.user() == user, from: member.role, to, owners }.check()?;
        Ok(member)
    }
}
