//! What somebody wants to be told.

use super::App;
use crate::error::NotificationsResult;
use crate::store::turned_off;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::notifications::{NotificationKind, Preference, SetPreferences};

impl App {
    /// What who asks wants to be told.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn preferences(&self, who: &Principal) -> NotificationsResult<Vec<Preference>> {
        Ok(all(&turned_off::of_user(&self.db, who.user()).await?))
    }

    /// Sets what who asks wants to be told, and gives all of it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn set_preferences(
        &self,
        who: &Principal,
        asked: SetPreferences,
    ) -> NotificationsResult<(Tx, Vec<Preference>)> {
        let mut tx = self.db.begin().await?;
        let mut changes = asked.preferences;
        // In one order, so that two requests of one person do not wait for each other. Of two words on a kind the last counts.
        changes.sort_by_key(|change| change.kind);
        for change in changes {
            turned_off::set(&mut tx, who.user(), change.kind, !change.enabled).await?;
        }
        let off = turned_off::of_user_in(&mut tx, who.user()).await?;
        Ok((tx, all(&off)))
    }
}

fn all(off: &[NotificationKind]) -> Vec<Preference> {
    let preference = |kind: &NotificationKind| Preference {
        kind: *kind,
        about: kind.about().to_owned(),
        enabled: !off.contains(kind),
        optional: kind.is_optional(),
    };
    NotificationKind::ALL.iter().map(preference).collect()
}
