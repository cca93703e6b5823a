//! Memberships, as far as they travel in a token.

use super::corrupt;
use chassis::db::{DbError, Tx, q};
use contract::identity::{Membership, OrganizationRole};
use contract::ids::{OrganizationId, UserId};
use uuid::Uuid;

/// A token has room for so many; the oldest memberships travel.
const IN_A_TOKEN: i64 = 50;

/// The memberships of a person for their token.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Membership>, DbError> {
    const SELECT: &str = "SELECT organization_id, role FROM memberships WHERE user_id = $1 \
        ORDER BY organization_id LIMIT $2";
    let rows: Vec<(Uuid, String)> = q!(tx.tx, fetch_all, SELECT, user.uuid(), IN_A_TOKEN)?;
    let membership = |(id, role): (Uuid, String)| {
        let role = OrganizationRole::parse(&role).ok_or_else(|| corrupt("a role"))?;
        Ok(Membership { id: OrganizationId(id), role })
    };
    rows.into_iter().map(membership).collect()
}
