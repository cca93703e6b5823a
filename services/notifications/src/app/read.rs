//! The log of what was sent.

use super::App;
use crate::error::{NotificationsError, NotificationsResult};
use crate::store::notification_list;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::NotificationId;
use contract::notifications::{ListNotifications, Notification};

impl App {
    /// The messages to who asks, or to another person for who may read them, the newest first, and where the next page
    /// begins, if there is one.
    ///
    /// # Errors
    /// [`NotificationsError::Others`].
    pub(crate) async fn log(
        &self,
        who: &Principal,
        asked: &ListNotifications,
        after: Option<NotificationId>,
    ) -> NotificationsResult<(Vec<Notification>, Option<NotificationId>)> {
        let user = asked.user.unwrap_or_else(|| who.user());
        if user != who.user() && !who.may(Permission::ReadNotifications) {
            return Err(NotificationsError::Others);
        }
        Ok(notification_list::list_of_user(&self.db, user, asked, after).await?)
    }

    /// A message to who asks, or any message for who may read them.
    ///
    /// # Errors
    /// [`NotificationsError::NotFound`] also for another's.
    pub(crate) async fn notification(
        &self,
        who: &Principal,
        id: NotificationId,
    ) -> NotificationsResult<Notification> {
        let found = if who.may(Permission::ReadNotifications) {
            notification_list::find(&self.db, id).await?
        } else {
            notification_list::find_of_user(&self.db, who.user(), id).await?
        };
        found.ok_or(NotificationsError::NotFound)
    }
}
