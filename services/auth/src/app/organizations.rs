//! Organisations: making one and seeing one.
//!
//! What may be done in an organisation is read from the database and not from the token: a token may be a moment older
//! than the membership. Who does not belong to an organisation is told that there is none.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::organization::slug;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, membership, organization};
use chassis::cache::Cached;
use chassis::db::Tx;
use chassis::http::Page;
use chassis::identity::Principal;
use contract::auth::{AuditAction, CreateOrganization, Member, Organization, OrganizationCreated};
use contract::identity::{OrganizationRole, Permission};
use contract::ids::{OrganizationId, UserId};

/// Characters of the identifier that tell two organisations of one name apart.
const TAIL: usize = 7;

impl App {
    /// Makes an organisation that is owned by who asks. Their tokens of before say less than they may now, so nothing is
    /// revoked; the next refresh brings the membership.
    ///
    /// # Errors
    /// [`AuthError::Taken`] when the slug is in use.
    pub async fn create_organization(
        &self,
        who: &Principal,
        request: CreateOrganization,
        client: &Client,
    ) -> AuthResult<(Tx, Organization)> {
        let (now, id, name) = (self.clock.now(), OrganizationId::new(), request.name.trim());
        let tail = id.uuid().simple().to_string();
        let slugs = match request.slug {
            Some(wanted) => vec![wanted],
            None => vec![slug(name, None), slug(name, tail.get(tail.len() - TAIL..))],
        };
        let mut tx = self.db.begin().await?;
        let mut free = None;
        for slug in slugs {
            if organization::insert(&mut tx, id, name, &slug, now).await? {
                free = Some(slug);
                break;
            }
        }
        let slug = free.ok_or(AuthError::Taken("slug"))?;
        let role = OrganizationRole::Owner;
        membership::insert(&mut tx, id, who.user(), role, now).await?;
        let event = AuditEvent::new(AuditAction::OrganizationCreated, &client.origin).own(who.user());
        audit::insert(&mut tx, &event.organization(id).with("slug", slug.as_str()), now).await?;
        self.outbox.publish(&mut tx, &OrganizationCreated { organization: id, owner: who.user() }).await?;
        let (name, created_at) = (name.to_owned(), now.to_datetime());
        Ok((tx, Organization { id, name, slug, role: Some(role), created_at }))
    }

    /// A page of the organisations of who asks, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organizations(&self, who: &Principal, page: Page) -> AuthResult<(Vec<Organization>, u64)> {
        Ok(organization::list_of_user(&self.db, who.user(), page).await?)
    }

    /// An organisation that who asks may see, as it was a moment ago: their own, or any for an administrator of the
    /// platform. To look at; what is decided by it is read with `App::organization`.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn organization_seen(
        &self,
        who: &Principal,
        id: OrganizationId,
    ) -> AuthResult<Cached<Organization>> {
        self.organization_view(id, who.user(), who.may(Permission::ManageOrganizations)).await
    }

    /// An organisation that who asks may see: their own, or any for an administrator of the platform.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub(super) async fn organization(&self, who: &Principal, id: OrganizationId) -> AuthResult<Organization> {
        let every = who.may(Permission::ManageOrganizations);
        let seen = organization::find_seen_by(&self.db, id, who.user(), every).await?;
        seen.ok_or(AuthError::NotFound("organisation"))
    }

    /// A page of the members of an organisation that who asks may see, and how many there are.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn members(
        &self,
        who: &Principal,
        id: OrganizationId,
        page: Page,
    ) -> AuthResult<(Vec<Member>, u64)> {
        let seen = self.organization(who, id).await?;
        Ok(membership::list_of_organization(&self.db, seen.id, page).await?)
    }

    /// Holds an organisation of this person until the transaction ends, and tells their role in it.
    pub(super) async fn hold_organization(
        &self,
        tx: &mut Tx,
        id: OrganizationId,
        user: UserId,
    ) -> AuthResult<(Organization, OrganizationRole)> {
        let held = organization::lock(tx, id, user).await?;
        let own = held.and_then(|held| held.role.map(|role| (held, role)));
        own.ok_or(AuthError::NotFound("organisation"))
    }
}
