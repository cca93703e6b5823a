//! Who leaves an organisation takes no calendar of it along.

use crate::store::link;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::auth::OrganizationMemberLeft;

/// Ends the feeds of who has left. Nothing is read with them before that either: auth is asked each time; but who comes back later
/// makes a new one.
#[derive(Debug)]
pub(crate) struct Left;

impl Handler<OrganizationMemberLeft> for Left {
    async fn handle(&self, t: &mut Tx, event: Received<OrganizationMemberLeft>) -> Handled {
        let OrganizationMemberLeft { organization, user } = event.data;
        Ok(link::delete_of_member(t, user, organization).await?)
    }
}
