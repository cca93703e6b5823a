//! Organisations: the slug, and who may set whose role.
//!
//! Owners may do everything. Administrators manage members up to their own rank and never touch an owner. Everybody may
//! leave. An organisation keeps at least one owner.

use contract::identity::OrganizationRole;

/// Why a change of members is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemberRule {
    /// The caller's role does not allow it.
    #[error("your role in the organisation does not allow this")]
    NotAllowed,
    /// Nobody would own it any more.
    #[error("an organisation keeps at least one owner")]
    LastOwner,
}

/// A member whose role is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The role of who asks.
    pub actor: OrganizationRole,
    /// Whether who asks is the member.
    pub own: bool,
    /// The member's role until now.
    pub from: OrganizationRole,
    /// The role from now on; `None` removes the member.
    pub to: Option<OrganizationRole>,
    /// Owners until now.
    pub owners: u64,
}

/// Whether somebody of this role may manage members at all: invite, list and withdraw invitations.
#[must_use]
pub fn manages(actor: OrganizationRole) -> bool {
    actor >= OrganizationRole::Admin
}

/// Whether `actor` may give somebody new the role `role`.
///
/// # Errors
/// [`MemberRule::NotAllowed`] for members, and for an administrator who would make an owner.
pub fn may_invite(actor: OrganizationRole, role: OrganizationRole) -> Result<(), MemberRule> {
    if manages(actor) && role <= actor { Ok(()) } else { Err(MemberRule::NotAllowed) }
}

impl Change {
    /// Whether the change may be made.
    ///
    /// # Errors
    /// [`MemberRule`] says why not.
    pub fn check(self) -> Result<(), MemberRule> {
        let Self { actor, own, from, to, owners } = self;
        let lowers_own = own && to.is_none_or(|to| to <= from);
        let within_rank = manages(actor) && from <= actor && to.is_none_or(|to| to <= actor);
        if !lowers_own && !within_rank {
            return Err(MemberRule::NotAllowed);
        }
        if from == OrganizationRole::Owner && to != Some(OrganizationRole::Owner) && owners <= 1 {
            return Err(MemberRule::LastOwner);
        }
        Ok(())
    }
}

/// The slug that a name suggests, with `tail` to tell it from others of that name when the plain one is taken.
#[must_use]
pub fn slug(name: &str, tail: Option<&str>) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(32);
    let stem = slug.trim_matches('-');
    let stem = if stem.len() < 2 { "org" } else { stem };
    tail.map_or_else(|| stem.to_owned(), |tail| format!("{stem}-{tail}"))
}

#[cfg(test)]
mod tests {
    use super::OrganizationRole::{Admin, Member, Moderator, Owner};
    use super::*;
    use proptest::prelude::*;

    fn change(actor: OrganizationRole, from: OrganizationRole, to: Option<OrganizationRole>) -> Change {
        Change { actor, own: false, from, to, owners: 2 }
    }

    #[test]
    fn an_administrator_cannot_make_an_owner_or_touch_one() {
        assert_eq!(change(Admin, Member, Some(Owner)).check(), Err(MemberRule::NotAllowed));
        assert_eq!(change(Admin, Owner, Some(Member)).check(), Err(MemberRule::NotAllowed));
        assert_eq!(change(Admin, Owner, None).check(), Err(MemberRule::NotAllowed));
        assert_eq!(may_invite(Admin, Owner), Err(MemberRule::NotAllowed));
        assert_eq!(change(Admin, Member, Some(Admin)).check(), Ok(()));
    }

    #[test]
    fn a_member_may_leave_and_nothing_else() {
        let leave = Change { own: true, ..change(Member, Member, None) };
        assert_eq!(leave.check(), Ok(()));
        assert_eq!(Change { to: Some(Admin), ..leave }.check(), Err(MemberRule::NotAllowed));
        assert_eq!(change(Moderator, Member, None).check(), Err(MemberRule::NotAllowed));
        assert_eq!(may_invite(Moderator, Member), Err(MemberRule::NotAllowed));
    }

    #[test]
    fn the_last_owner_stays() {
        let leave = Change { own: true, owners: 1, ..change(Owner, Owner, None) };
        assert_eq!(leave.check(), Err(MemberRule::LastOwner));
        assert_eq!(Change { to: Some(Admin), ..leave }.check(), Err(MemberRule::LastOwner));
        assert_eq!(Change { to: Some(Owner), ..leave }.check(), Ok(()));
        assert_eq!(Change { owners: 2, ..leave }.check(), Ok(()));
    }

    #[test]
    fn a_slug_follows_from_the_name() {
        assert_eq!(slug("  Acme & Söhne Ltd. ", None), "acme-s-hne-ltd");
        assert_eq!(slug("株式会社", None), "org");
        assert_eq!(slug("Acme", Some("7f3a")), "acme-7f3a");
    }

    proptest! {
        #[test]
        fn no_change_lets_anyone_rise_above_the_one_who_makes_it(a in 0_usize..4, f in 0_usize..4, t in 0_usize..4, own: bool) {
            let role = |n: usize| OrganizationRole::ALL[n];
            let from = if own { role(a) } else { role(f) };
            let change = Change { actor: role(a), own, from, to: Some(role(t)), owners: 5 };
            if change.check().is_ok() {
                prop_assert!(role(t) <= role(a) && from <= role(a));
            }
        }

        #[test]
        fn every_slug_is_fit_for_a_url(name in ".{1,80}") {
            let slug = slug(&name, Some("7f3a"));
            let fit = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            prop_assert!(fit && slug.len() <= 40 && !slug.starts_with('-') && !slug.contains("--"), "{slug}");
        }
    }
}
