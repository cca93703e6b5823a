//! The rights of an account, its roles and whether it may be used, and who may change them.
//!
//! An administrator cannot give up their own rights, and only who is an administrator at the moment of the change can
//! make one. So whoever makes a change remains, and there is always one: two who take each other's role at once, one
//! after the other, come to one who did and one who may no longer.

use contract::auth::{UpdateUser, UserStatus};
use contract::identity::{Permission, Role};

/// Why a change of rights is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RightsRule {
    /// Who asks is no administrator any more.
    #[error("you do not manage accounts any more")]
    NotAllowed,
    /// It is the administrator's own role or account.
    #[error("an administrator cannot give up their own rights; another one can take them")]
    OwnRights,
}

/// What an account may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Its roles on the platform, each once, in their order.
    pub roles: Vec<Role>,
    /// Whether it may be used.
    pub status: UserStatus,
}

impl Rights {
    /// Those of an account that was read.
    #[must_use]
    pub fn new(roles: &[Role], status: UserStatus) -> Self {
        let mut roles = roles.to_vec();
        // Everybody who has an account is a user.
        roles.push(Role::User);
        roles.sort();
        roles.dedup();
        Self { roles, status }
    }

    /// Whether they let somebody manage accounts.
    #[must_use]
    pub fn manage_users(&self) -> bool {
        let managers = Permission::ManageUsers.roles();
        self.status == UserStatus::Active && self.roles.iter().any(|role| managers.contains(role))
    }

    /// Those that are asked for. What the request leaves out stays as it is.
    #[must_use]
    pub fn changed(&self, request: &UpdateUser) -> Self {
        let roles = request.roles.as_deref().unwrap_or(&self.roles);
        Self::new(roles, request.status.unwrap_or(self.status))
    }

    /// Whether who has the rights `actor` may give these to an account; `own` says that it is their own.
    ///
    /// # Errors
    /// [`RightsRule`] says why not.
    pub fn may_be_set_by(&self, actor: &Self, own: bool) -> Result<(), RightsRule> {
        if !actor.manage_users() {
            return Err(RightsRule::NotAllowed);
        }
        if own && !self.manage_users() {
            return Err(RightsRule::OwnRights);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use UserStatus::{Active, Disabled};
    use proptest::prelude::*;

    fn admin() -> Rights {
        Rights::new(&[Role::Admin], Active)
    }

    #[test]
    fn everybody_is_at_least_a_user_and_has_each_role_once() {
        let rights = Rights::new(&[Role::Admin, Role::Vendor, Role::Admin], Active);
        assert_eq!(rights.roles, [Role::User, Role::Vendor, Role::Admin]);
    }

    #[test]
    fn what_a_request_leaves_out_stays() {
        let only_status = UpdateUser { roles: None, status: Some(Disabled) };
        assert_eq!(admin().changed(&only_status), Rights { status: Disabled, ..admin() });
        let only_roles = UpdateUser { roles: Some(vec![Role::Vendor]), status: None };
        assert_eq!(admin().changed(&only_roles), Rights::new(&[Role::Vendor], Active));
    }

    #[test]
    fn an_administrator_cannot_give_up_their_own_rights() {
        let demoted = Rights::new(&[Role::Vendor], Active);
        let disabled = Rights { status: Disabled, ..admin() };
        for to in [&demoted, &disabled] {
            assert_eq!(to.may_be_set_by(&admin(), true), Err(RightsRule::OwnRights));
            assert_eq!(to.may_be_set_by(&admin(), false), Ok(()));
        }
        let vendor_too = Rights::new(&[Role::Admin, Role::Vendor], Active);
        assert_eq!(vendor_too.may_be_set_by(&admin(), true), Ok(()));
    }

    #[test]
    fn who_is_no_administrator_any_more_changes_nothing() {
        let disabled = Rights { status: Disabled, ..admin() };
        for actor in [Rights::new(&[Role::Moderator], Active), disabled] {
            assert_eq!(admin().may_be_set_by(&actor, false), Err(RightsRule::NotAllowed));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_one_administrator_remains(
            changes in prop::collection::vec((0_usize..3, 0_usize..3, 0_usize..4, any::<bool>()), 0..30),
        ) {
            let mut all = [admin(), admin(), Rights::new(&[], Active)];
            for (actor, target, role, active) in changes {
                let status = if active { Active } else { Disabled };
                let to = Rights::new(&[Role::ALL[role]], status);
                if to.may_be_set_by(&all[actor], actor == target).is_ok() {
                    all[target] = to;
                }
                prop_assert!(all.iter().any(Rights::manage_users));
            }
        }
    }
}
