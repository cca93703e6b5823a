//! Invitations to an organisation, by mail.
//!
//! The token is in the mail and nowhere else; the database has its hash. An invitation is for one address, works once
//! and for a while, and only as long as who sent it may still invite to that role: who was removed leaves no door open.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::email::Email;
use crate::domain::one_time::{OneTimeToken, Purpose};
use crate::domain::organization::{MemberRule, manages, may_invite};
use crate::error::{AuthError, AuthResult};
use crate::store::invitation::{self, Invitation};
use crate::store::{audit, membership, organization, user};
use chassis::clock::Ts;
use chassis::db::Tx;
use chassis::http::Page;
use chassis::identity::Principal;
use contract::auth::{self, AcceptInvitation, AuditAction, Invite, Organization, OrganizationMemberJoined};
use contract::identity::OrganizationRole;
use contract::ids::{InvitationId, OrganizationId};
use std::time::Duration;

/// Mails of one organisation to one address: at most one in this time.
const PAUSE: Duration = Duration::from_secs(60);

impl App {
    /// Mails an invitation. An open one of the same address is replaced: its link no longer works.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for another's organisation, [`AuthError::Member`] when the role of who asks does not allow
    /// it, [`AuthError::Conflict`] when the address is a member's, [`AuthError::TooSoon`] when it was mailed just now.
    pub async fn invite(
        &self,
        who: &Principal,
        id: OrganizationId,
        request: &Invite,
        client: &Client,
    ) -> AuthResult<(Tx, auth::Invitation)> {
        let email = Email::parse(&request.email).map_err(|_| AuthError::NotAnEmail)?;
        let made = OneTimeToken::new(Purpose::AcceptInvitation).map_err(anyhow::Error::from)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (held, actor) = self.hold_organization(&mut tx, id, who.user()).await?;
        may_invite(actor, request.role)?;
        self.must_be_free(&mut tx, id, &email, actor, now).await?;
        let invitation = Invitation {
            id: InvitationId::new(),
            organization: id,
            email: email.as_str().to_owned(),
            role: request.role,
            invited_by: who.user(),
            created_at: now,
            expires_at: now + self.invitation,
        };
        invitation::upsert(&mut tx, &invitation, &made.hash).await?;
        let mail = self.links.invite(email.as_str(), &held.name, &made.token, self.invitation);
        self.mailer.enqueue(&mut tx, mail).await?;
        let event = about(AuditAction::InvitationSent, &invitation, client).by(who.user());
        audit::insert(&mut tx, &event, now).await?;
        Ok((tx, invitation.view()))
    }

    /// Whether this address can be invited now by who has the role `actor`.
    async fn must_be_free(
        &self,
        tx: &mut Tx,
        id: OrganizationId,
        email: &Email,
        actor: OrganizationRole,
        now: Ts,
    ) -> AuthResult<()> {
        if membership::has_address(tx, id, email).await? {
            return Err(AuthError::Conflict("The address is a member's."));
        }
        let Some(last) = invitation::find_of_address(tx, id, email).await? else { return Ok(()) };
        let open = last.expires_at > now;
        if open {
            // To replace it is to withdraw it.
            may_invite(actor, last.role)?;
        }
        let since = now.since(last.created_at);
        if since < PAUSE { Err(AuthError::TooSoon(PAUSE - since)) } else { Ok(()) }
    }

    /// A page of the open invitations of an organisation, for who manages its members, and how many there are.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for another's organisation, [`AuthError::Member`] for who does not manage its members.
    pub async fn invitations(
        &self,
        who: &Principal,
        id: OrganizationId,
        page: Page,
    ) -> AuthResult<(Vec<auth::Invitation>, u64)> {
        let seen = self.organization(who, id).await?;
        // Who sees it without belonging to it is an administrator of the platform.
        if !seen.role.is_none_or(manages) {
            return Err(MemberRule::NotAllowed.into());
        }
        let now = self.clock.now();
        let (open, total) = invitation::list_open_of_organization(&self.db, id, now, page).await?;
        Ok((open.iter().map(Invitation::view).collect(), total))
    }

    /// Takes an open invitation back.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] for another's organisation and when there is no such open invitation,
    /// [`AuthError::Member`] when the role of who asks does not allow it.
    pub async fn withdraw_invitation(
        &self,
        who: &Principal,
        organization: OrganizationId,
        id: InvitationId,
        client: &Client,
    ) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (_, actor) = self.hold_organization(&mut tx, organization, who.user()).await?;
        if !manages(actor) {
            return Err(MemberRule::NotAllowed.into());
        }
        let open = invitation::find_of_organization(&mut tx, organization, id, now).await?;
        let open = open.ok_or(AuthError::NotFound("invitation"))?;
        may_invite(actor, open.role)?;
        invitation::withdraw(&mut tx, organization, id, now).await?;
        let event = about(AuditAction::InvitationRevoked, &open, client).by(who.user());
        audit::insert(&mut tx, &event, now).await?;
        Ok(tx)
    }

    /// Joins an organisation with the token of a mailed link. The tokens of before say less than the person may now, so
    /// nothing is revoked; the next refresh brings the membership.
    ///
    /// # Errors
    /// [`AuthError::InvalidLink`] when the token is unknown, used, withdrawn or expired, or its sender may no longer
    /// invite; [`AuthError::NotTheInvited`] for an account of another address: the invitation stays open then.
    pub async fn accept_invitation(
        &self,
        who: &Principal,
        request: &AcceptInvitation,
        client: &Client,
    ) -> AuthResult<(Tx, Organization)> {
        let (now, hash) = (self.clock.now(), Purpose::AcceptInvitation.hash(&request.token));
        let open = invitation::find_by_hash(&self.db, &hash, now).await?.ok_or(AuthError::InvalidLink)?;
        let account = user::find(&self.db, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        if account.email != open.email {
            return Err(AuthError::NotTheInvited);
        }
        let mut tx = self.db.begin().await?;
        let held = organization::lock(&mut tx, open.organization, account.id).await?;
        let held = held.ok_or(AuthError::InvalidLink)?;
        let taken = invitation::take(&mut tx, &hash, &account.email, now).await?;
        let taken = taken.ok_or(AuthError::InvalidLink)?;
        let sender = membership::role_in_use(&mut tx, held.id, taken.invited_by).await?;
        if sender.is_none_or(|sender| may_invite(sender, taken.role).is_err()) {
            return Err(AuthError::InvalidLink);
        }
        if !membership::insert(&mut tx, held.id, account.id, taken.role, now).await? {
            return Err(AuthError::Conflict("You are a member already."));
        }
        self.views.membership_changed(&mut tx, held.id, account.id);
        let event = about(AuditAction::InvitationAccepted, &taken, client).own(account.id);
        audit::insert(&mut tx, &event.with("invitedBy", taken.invited_by.to_string()), now).await?;
        let joined = OrganizationMemberJoined { organization: held.id, user: account.id };
        self.outbox.publish(&mut tx, &joined).await?;
        Ok((tx, Organization { role: Some(taken.role), ..held }))
    }
}

fn about(action: AuditAction, invitation: &Invitation, client: &Client) -> AuditEvent {
    AuditEvent::new(action, &client.origin)
        .organization(invitation.organization)
        .with("invitation", invitation.id.to_string())
        .with("email", invitation.email.as_str())
        .with("role", invitation.role.as_str())
}
