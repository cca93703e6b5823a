//! The statements of the live channel.
//!
//! Positions are taken by changing the one row of `live_head`, which stays locked until the commit. So whoever sees a message
//! sees all before it, on both engines: what is read behind a position has nothing left out. A transaction takes all of its
//! positions at once and last of all: everybody wants that row, and each change leaves a dead one behind on PostgreSQL.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Engine, Tx, Writing, q};
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, UserId};
use contract::live::{Readers, Topic};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

/// Where the channel is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Head {
    pub(super) epoch: String,
    /// The position of the last message.
    pub(super) position: i64,
    /// Messages up to here are not kept any more.
    pub(super) swept: i64,
}

/// A message to be added.
#[derive(Debug)]
pub(super) struct New {
    pub(super) topic: Topic,
    pub(super) resource: Uuid,
    pub(super) kind: &'static str,
    pub(super) readers: Readers,
    pub(super) data: String,
    /// When it happened.
    pub(super) at: Ts,
    /// When it came here.
    pub(super) told_at: Ts,
}

/// A message on its way into the table: identifiers as hexadecimal digits, times in microseconds since 1970.
#[derive(Serialize)]
struct Added {
    topic: &'static str,
    resource: String,
    kind: &'static str,
    user: Option<String>,
    organization: Option<String>,
    role: Option<&'static str>,
    data: String,
    at: i64,
    told: i64,
}

impl From<New> for Added {
    fn from(new: New) -> Self {
        let hex = |id: Uuid| id.as_simple().to_string();
        let (organization, role) = new.readers.organization.unzip();
        Self {
            topic: new.topic.as_str(),
            resource: hex(new.resource),
            kind: new.kind,
            user: new.readers.user.map(|user| hex(user.uuid())),
            organization: organization.map(|id| hex(id.uuid())),
            role: role.map(OrganizationRole::as_str),
            data: new.data,
            at: new.at.micros(),
            told: new.told_at.micros(),
        }
    }
}

/// A message as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) position: i64,
    pub(super) topic: String,
    pub(super) resource: Uuid,
    pub(super) kind: String,
    user_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    organization_role: Option<String>,
    pub(super) data: String,
    pub(super) at: Ts,
}

#[cfg(test)]
impl Row {
    /// A row as it would be kept.
    pub(super) fn of(position: i64, topic: Topic, resource: Uuid, readers: Readers) -> Self {
        let (organization, role) = readers.organization.unzip();
        Self {
            position,
            topic: topic.as_str().to_owned(),
            resource,
            kind: "thing.happened".to_owned(),
            user_id: readers.user.map(UserId::uuid),
            organization_id: organization.map(OrganizationId::uuid),
            organization_role: role.map(|role| role.as_str().to_owned()),
            data: "{}".to_owned(),
            at: Ts::from_micros(0),
        }
    }
}

impl Row {
    /// Who may read it: nobody, where it takes a role that this release does not know.
    pub(super) fn readers(&self) -> Readers {
        let user = self.user_id.map(UserId);
        let role = self.organization_role.as_deref().map(OrganizationRole::parse);
        match (self.organization_id.map(OrganizationId), role) {
            (Some(organization), Some(Some(role))) => {
                Readers { user, organization: Some((organization, role)) }
            }
            (None, None) => Readers { user, organization: None },
            _ => Readers::default(),
        }
    }
}

/// Where the channel is.
pub(super) async fn head(db: &Db) -> Result<Head, DbError> {
    q!(db.read, fetch_one, "SELECT epoch, position, swept FROM live_head WHERE id = 1")
}

/// Adds a message behind all others, with all that the transaction adds, when it is committed.
pub(super) fn append(t: &mut Tx, new: New) {
    t.gather(new, append_all);
}

/// Nobody else adds any until the transaction ends.
fn append_all(t: &mut Tx, all: Vec<New>) -> Writing<'_> {
    const NEXT: &str = "UPDATE live_head SET position = position + $1 WHERE id = 1 RETURNING position";
    Box::pin(async move {
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let last: i64 = q!(t.tx, scalar, NEXT, count)?;
        let rows: Vec<Added> = all.into_iter().map(Added::from).collect();
        let sql = match t.engine() {
            Engine::Sqlite => SQLITE,
            Engine::Postgres => POSTGRES,
        };
        q!(t.tx, execute, sql, last - count, Json(rows)).map(|_| ())
    })
}

const SQLITE: &str = "INSERT INTO live_message (position, topic, resource, kind, user_id, organization_id, \
    organization_role, data, at, told_at) SELECT $1 + key + 1, value ->> 'topic', unhex(value ->> 'resource'), \
    value ->> 'kind', unhex(value ->> 'user'), unhex(value ->> 'organization'), value ->> 'role', value ->> 'data', \
    value ->> 'at', value ->> 'told' FROM json_each($2)";
const POSTGRES: &str = "INSERT INTO live_message (position, topic, resource, kind, user_id, organization_id, \
    organization_role, data, at, told_at) SELECT $1 + ordinality, value ->> 'topic', CAST(value ->> 'resource' AS UUID), \
    value ->> 'kind', CAST(value ->> 'user' AS UUID), CAST(value ->> 'organization' AS UUID), value ->> 'role', \
    value ->> 'data', TIMESTAMPTZ 'epoch' + CAST(value ->> 'at' AS BIGINT) * INTERVAL '1 microsecond', \
    TIMESTAMPTZ 'epoch' + CAST(value ->> 'told' AS BIGINT) * INTERVAL '1 microsecond' \
    FROM jsonb_array_elements($2) WITH ORDINALITY";

/// Selects messages between two positions, the second among them, under a condition.
macro_rules! select {
    ($($condition:literal)*) => {
        concat!(
            "SELECT position, topic, resource, kind, user_id, organization_id, organization_role, data, at \
             FROM live_message WHERE position > $1 AND position <= $2",
            $($condition,)*
            " ORDER BY position LIMIT $3"
        )
    };
}

/// A part of the history: behind the first position, up to the second, and so many rows at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) after: i64,
    pub(super) until: i64,
    pub(super) most: i64,
}

/// All messages of a part.
pub(super) async fn list(db: &Db, part: Part) -> Result<Vec<Row>, DbError> {
    q!(db.read, fetch_all, select!(), part.after, part.until, part.most)
}

/// Those of one topic.
pub(super) async fn list_of_topic(db: &Db, part: Part, topic: Topic) -> Result<Vec<Row>, DbError> {
    q!(db.read, fetch_all, select!(" AND topic = $4"), part.after, part.until, part.most, topic.as_str())
}

/// Those that name a person as their reader, of these topics: their names in one text.
pub(super) async fn list_of_user(
    db: &Db,
    part: Part,
    user: UserId,
    topics: &str,
) -> Result<Vec<Row>, DbError> {
    // No name of a topic is a part of another's.
    const SELECT: &str = select!(" AND user_id = $4 AND $5 LIKE '%' || topic || '%'");
    q!(db.read, fetch_all, SELECT, part.after, part.until, part.most, user.uuid(), topics)
}

/// Those that name an organisation, of these topics.
pub(super) async fn list_of_organization(
    db: &Db,
    part: Part,
    organization: OrganizationId,
    topics: &str,
) -> Result<Vec<Row>, DbError> {
    const SELECT: &str = select!(" AND organization_id = $4 AND $5 LIKE '%' || topic || '%'");
    q!(db.read, fetch_all, SELECT, part.after, part.until, part.most, organization.uuid(), topics)
}

/// Those about one thing.
pub(super) async fn list_of_resource(
    db: &Db,
    part: Part,
    topic: Topic,
    resource: Uuid,
) -> Result<Vec<Row>, DbError> {
    const SELECT: &str = select!(" AND resource = $4 AND topic = $5");
    q!(db.read, fetch_all, SELECT, part.after, part.until, part.most, resource, topic.as_str())
}

/// Removes the oldest messages, if they came before `before`. Says how many; fewer than `batch` means that no more are to go.
pub(super) async fn sweep(db: &Db, before: Ts, batch: i64) -> Result<u64, DbError> {
    const OLD: &str = "SELECT max(position) FROM (SELECT position, told_at FROM live_message ORDER BY position LIMIT $2) \
        AS oldest WHERE told_at < $1";
    const SWEPT: &str = "UPDATE live_head SET swept = $1 WHERE id = 1 AND swept < $1";
    let until: Option<i64> = q!(db.read, scalar, OLD, before, batch)?;
    let Some(until) = until else { return Ok(0) };
    let mut t = db.begin().await?;
    q!(t.tx, execute, SWEPT, until)?;
    let removed = q!(t.tx, execute, "DELETE FROM live_message WHERE position <= $1", until)?;
    t.commit().await?;
    Ok(removed)
}
