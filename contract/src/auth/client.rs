//! The typed client of the auth service.

use super::{
    AcceptInvitation, ActiveMember, ChangePassword, Contact, CreateOrganization, Feed, FeedQuery,
    ForgotPassword, Grant, Invitation, Invite, Jwks, ListActiveMembers, Login, Member, Organization, Profile,
    PublicProfile, Refresh, Register, ResetPassword, Session, SetMemberRole, Tokens, UpdateMe, UpdateProfile,
    UpdateUser, User, VerifyEmail,
};
use crate::client::{CallError, Caller, endpoints};
use crate::ids::{InvitationId, OrganizationId, SessionId, UserId};
use crate::page::Empty;

/// Speaks to the auth service. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct AuthClient {
    caller: Caller,
}

impl AuthClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// What is new since the last answer; see [`Feed`].
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn feed(&self, query: &FeedQuery) -> Result<Feed, CallError> {
        // The key version is ours and made of characters that need no escape in a URI.
        let FeedQuery { after, keys, wait } = query;
        self.caller.get(&format!("/internal/v1/auth/feed?after={after}&keys={keys}&wait={wait}")).await
    }

    /// The public keys, as any verifier reads them.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn jwks(&self) -> Result<Jwks, CallError> {
        self.caller.get_bare("/.well-known/jwks.json").await
    }

    /// The members of an organisation whose accounts are in use and who have at least a role, a page at a time, by
    /// identifier. Of an organisation that does not exist there are none.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn active_members(
        &self,
        organization: OrganizationId,
        query: &ListActiveMembers,
    ) -> Result<Vec<ActiveMember>, CallError> {
        let query = serde_urlencoded::to_string(query).map_err(|e| CallError::Undecodable(e.to_string()))?;
        self.caller.get(&format!("/internal/v1/auth/organizations/{organization}/members?{query}")).await
    }

    endpoints! {
        /// A member whose account is in use; 404 for everybody else.
        active_member(organization: OrganizationId, user: UserId) -> ActiveMember
            = GET format!("/internal/v1/auth/organizations/{organization}/members/{user}");
        /// How a person is reached; 404 when there is no such account.
        contact(user: UserId) -> Contact = GET format!("/internal/v1/auth/contacts/{user}");
        /// Makes an account and logs in.
        register(body: &Register) -> Grant = POST "/api/v1/auth/register", body;
        /// Logs in.
        login(body: &Login) -> Grant = POST "/api/v1/auth/login", body;
        /// Trades a refresh token for the next pair.
        refresh(body: &Refresh) -> Tokens = POST "/api/v1/auth/refresh", body;
        /// Ends the caller's session.
        logout() -> () = POST "/api/v1/auth/logout";
        /// Ends every session of the caller.
        logout_all() -> () = POST "/api/v1/auth/logout-all";
        /// Sets a new password; the other sessions end.
        change_password(body: &ChangePassword) -> () = POST "/api/v1/auth/password/change", body;
        /// Asks for a link to set a new password.
        forgot_password(body: &ForgotPassword) -> Empty = POST "/api/v1/auth/password/forgot", body;
        /// Sets a new password by a mailed token; every session ends.
        reset_password(body: &ResetPassword) -> () = POST "/api/v1/auth/password/reset", body;
        /// Proves the address by a mailed token.
        verify_email(body: &VerifyEmail) -> User = POST "/api/v1/auth/email/verify", body;
        /// Asks for another link to prove the address.
        resend_verification() -> Empty = POST "/api/v1/auth/email/resend";
        /// The caller's sessions.
        sessions() -> Vec<Session> = GET "/api/v1/auth/sessions";
        /// Ends one of the caller's sessions.
        end_session(id: SessionId) -> () = DELETE format!("/api/v1/auth/sessions/{id}");
        /// Ends every session of the caller but this one.
        end_other_sessions() -> () = DELETE "/api/v1/auth/sessions";
        /// The caller's account.
        me() -> User = GET "/api/v1/users/me";
        /// Changes the caller's profile.
        update_me(body: &UpdateMe) -> User = PATCH "/api/v1/users/me", body;
        /// The caller's profile.
        my_profile() -> Profile = GET "/api/v1/profiles/me";
        /// Changes the caller's profile.
        update_profile(body: &UpdateProfile) -> Profile = PATCH "/api/v1/profiles/me", body;
        /// A profile that the caller may see, as others see it.
        profile(user: UserId) -> PublicProfile = GET format!("/api/v1/profiles/{user}");
        /// Another person's account, for an administrator.
        user(id: UserId) -> User = GET format!("/api/v1/users/{id}");
        /// Changes another person's roles or status, for an administrator.
        update_user(id: UserId, body: &UpdateUser) -> User = PATCH format!("/api/v1/users/{id}"), body;
        /// Ends every session of another person, for an administrator.
        log_user_out(id: UserId) -> () = POST format!("/api/v1/users/{id}/logout");
        /// Makes an organisation; the caller is its owner.
        create_organization(body: &CreateOrganization) -> Organization = POST "/api/v1/organizations", body;
        /// A page of the caller's organisations, a hundred at most; the first is 1.
        organizations(page: u32) -> Vec<Organization> = GET format!("/api/v1/organizations?page={page}&limit=100");
        /// One organisation of the caller.
        organization(id: OrganizationId) -> Organization = GET format!("/api/v1/organizations/{id}");
        /// A page of its members, a hundred at most; the first is 1.
        members(id: OrganizationId, page: u32) -> Vec<Member>
            = GET format!("/api/v1/organizations/{id}/members?page={page}&limit=100");
        /// Sets a member's role.
        set_member_role(id: OrganizationId, user: UserId, body: &SetMemberRole) -> Member
            = PUT format!("/api/v1/organizations/{id}/members/{user}"), body;
        /// Removes a member, or leaves.
        remove_member(id: OrganizationId, user: UserId) -> ()
            = DELETE format!("/api/v1/organizations/{id}/members/{user}");
        /// Invites somebody by mail.
        invite(id: OrganizationId, body: &Invite) -> Invitation
            = POST format!("/api/v1/organizations/{id}/invitations"), body;
        /// A page of the open invitations to it, a hundred at most; the first is 1.
        invitations(id: OrganizationId, page: u32) -> Vec<Invitation>
            = GET format!("/api/v1/organizations/{id}/invitations?page={page}&limit=100");
        /// Takes an open invitation back.
        withdraw_invitation(id: OrganizationId, invitation: InvitationId) -> ()
            = DELETE format!("/api/v1/organizations/{id}/invitations/{invitation}");
        /// Accepts an invitation by its mailed token.
        accept_invitation(body: &AcceptInvitation) -> Organization
            = POST "/api/v1/organizations/invitations/accept", body;
    }
}
