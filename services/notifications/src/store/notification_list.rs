//! The log of what was sent, as people read it.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::cut_page;
use contract::ids::{NotificationId, OrderId, UserId};
use contract::notifications::{
    Delivery, ListNotifications, Notification, NotificationKind, NotificationState,
};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    user_id: Option<Uuid>,
    order_id: Option<Uuid>,
    state: String,
    why: Option<String>,
    title: Option<String>,
    text: Option<String>,
    /// What the outbox says of its mail, which it forgets before the log does.
    delivery: Option<String>,
    created_at: Ts,
    settled_at: Option<Ts>,
}

impl TryFrom<Row> for Notification {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let delivery = row.delivery.map(|text| Delivery::parse(&text.to_uppercase()));
        Ok(Self {
            id: NotificationId(row.id),
            kind: NotificationKind::parse(&row.kind).ok_or_else(|| corrupt("the kind"))?,
            user: row.user_id.map(UserId),
            order: row.order_id.map(OrderId),
            state: NotificationState::parse(&row.state).ok_or_else(|| corrupt("the state"))?,
            why: row.why,
            title: row.title,
            text: row.text,
            delivery: delivery.map(|known| known.ok_or_else(|| corrupt("the delivery"))).transpose()?,
            created_at: row.created_at.to_datetime(),
            settled_at: row.settled_at.map(Ts::to_datetime),
        })
    }
}

macro_rules! select {
    ($text:literal) => {
        concat!(
            "SELECT n.id, n.kind, n.user_id, n.order_id, n.state, n.why, n.title, ",
            $text,
            " AS text, m.status AS delivery, n.created_at, n.settled_at \
             FROM notification n LEFT JOIN mail_outbox m ON m.id = n.mail_id "
        )
    };
}

/// A message with its text.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: NotificationId) -> Result<Option<Notification>, DbError> {
    const SELECT: &str = concat!(select!("n.text"), "WHERE n.id = $1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(Notification::try_from).transpose()
}

/// A message to a person, with its text.
///
/// # Errors
/// When the database fails.
pub async fn find_of_user(
    db: &Db,
    user: UserId,
    id: NotificationId,
) -> Result<Option<Notification>, DbError> {
    const SELECT: &str = concat!(select!("n.text"), "WHERE n.id = $1 AND n.user_id = $2");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), user.uuid())?;
    row.map(Notification::try_from).transpose()
}

/// The messages to a person that the filter lets through, without their texts, the newest first, from behind `after`, at most
/// as many as it says; and where the page after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(
    db: &Db,
    user: UserId,
    filter: &ListNotifications,
    after: Option<NotificationId>,
) -> Result<(Vec<Notification>, Option<NotificationId>), DbError> {
    let mut condition = vec!["n.user_id = $1"];
    if filter.kind.is_some() {
        condition.push("n.kind = $2");
    }
    if filter.state.is_some() {
        condition.push("n.state = $3");
    }
    if after.is_some() {
        condition.push("n.id < $4");
    }
    let select = format!(
        concat!(select!("CAST(NULL AS TEXT)"), "WHERE {} ORDER BY n.id DESC LIMIT $5"),
        condition.join(" AND ")
    );
    let (kind, state) =
        (filter.kind.map(NotificationKind::as_str), filter.state.map(NotificationState::as_str));
    // One more than is shown, which tells whether a page follows.
    let limit = i64::from(filter.limit) + 1;
    let after = after.map(NotificationId::uuid);
    let rows: Vec<Row> =
        q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), user.uuid(), kind, state, after, limit)?;
    let (rows, next) = cut_page(rows, filter.limit, |last| NotificationId(last.id));
    let found = rows.into_iter().map(Notification::try_from).collect::<Result<_, _>>()?;
    Ok((found, next))
}
