//! The auth service's part of the language: accounts, sessions, tokens, organisations, administration, audit.

mod account;
mod admin;
mod audit;
mod client;
mod events;
mod feed;
mod organization;
mod profile;
mod secret;
mod session;
pub(crate) mod valid;

pub use account::{
    ChangePassword, Contact, ForgotPassword, Register, ResetPassword, UpdateMe, User, UserStatus, VerifyEmail,
};
pub use admin::{ListUsers, UpdateUser};
pub use audit::{AuditAction, AuditEntry, ListAudit};
pub use client::AuthClient;
pub use events::{OrganizationCreated, OrganizationMemberJoined, OrganizationMemberLeft, UserRegistered};
pub use feed::{Feed, FeedQuery, Jwk, Jwks, Revocation, Revoked};
pub use organization::{
    AcceptInvitation, ActiveMember, CreateOrganization, Invitation, Invite, ListActiveMembers, Member,
    Organization, SetMemberRole,
};
pub use profile::{Profile, PublicProfile, SearchProfiles, UpdateProfile};
pub use secret::{Password, Token};
pub use session::{Grant, Login, Refresh, Session, TokenType, Tokens};
