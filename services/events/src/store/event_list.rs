//! Events as they are listed: searched, filtered, sorted, a page at a time, by number or by cursor; and as a calendar.

use super::event::{Row, columns};
use super::{Reach, in_list, list};
use crate::domain::event::Event;
use chassis::clock::Ts;
use chassis::db::search::Search;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, q};
use chassis::http::sorted::{Cursor, Value};
use chassis::http::{Page, SortKey, cut_page};
use contract::events::{EventStatus, ListEvents};
use contract::ids::{OrganizationId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

/// What events can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they begin.
    StartDate,
    /// When they were made.
    CreatedAt,
    /// What they are called, without regard to capitals and accents.
    Title,
    /// Where they stand, by its name.
    Status,
}

impl SortKey for SortBy {
    const KEYS: &'static [(&'static str, Self)] = &[
        ("startDate", Self::StartDate),
        ("createdAt", Self::CreatedAt),
        ("title", Self::Title),
        ("status", Self::Status),
    ];
}

/// Who looks at a list: what they see of each organisation stands in the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The organisations that they may know of.
    pub reach: Reach,
    /// Those of them in which they decide, and see everything.
    pub decides: Vec<OrganizationId>,
    /// Who they are.
    pub user: UserId,
}

/// A list that is asked for.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    /// The filters.
    pub filter: &'a ListEvents,
    /// The words that are searched for.
    pub search: Option<Search>,
    /// Who looks.
    pub sight: &'a Sight,
    /// By what it is sorted, and whether downwards.
    pub order: (SortBy, bool),
}

/// A row and what it is sorted by when that is its title.
#[derive(sqlx::FromRow)]
struct Sorted {
    #[sqlx(flatten)]
    row: Row,
    title_words: String,
}

impl Listing<'_> {
    /// The condition of what is asked for; a parameter that is not in it is bound and left alone.
    fn condition(&self, engine: Engine) -> String {
        let (filter, sight) = (self.filter, self.sight);
        let mut all = vec![sight.reach.condition(engine, 2)];
        if sight.reach != Reach::Every {
            let decided = in_list(engine, 3);
            all.push(format!("(status = 'APPROVED' OR created_by = $4 OR organization_id {decided})"));
        }
        let mut when = |is_set: bool, condition: &str| {
            if is_set {
                all.push(condition.to_owned());
            }
        };
        let found = match engine {
            Engine::Sqlite => "seq IN (SELECT rowid FROM event_search WHERE event_search MATCH $1)",
            Engine::Postgres => "search @@ CAST($1 AS TSQUERY)",
        };
        when(self.search.is_some(), found);
        when(filter.status.is_some(), "status = $5");
        when(filter.organization_id.is_some(), "organization_id = $6");
        when(filter.created_by.is_some(), "created_by = $7");
        when(filter.start_date_from.is_some(), "start_at >= $8");
        when(filter.start_date_to.is_some(), "start_at <= $9");
        all.join(" AND ")
    }

    /// The column of the order, and the parameter that a cursor puts beside it.
    const fn column(&self) -> (&'static str, &'static str) {
        match self.order.0 {
            SortBy::StartDate => ("start_at", "$11"),
            SortBy::CreatedAt => ("created_at", "$11"),
            SortBy::Title => ("title_words", "$10"),
            SortBy::Status => ("status", "$10"),
        }
    }

    fn cursor(&self, last: &Sorted) -> Cursor {
        let row = &last.row;
        let value = match self.order.0 {
            SortBy::StartDate => Value::Time(row.start_at),
            SortBy::CreatedAt => Value::Time(row.created_at),
            SortBy::Title => Value::Text(last.title_words.clone()),
            SortBy::Status => Value::Text(row.status.clone()),
        };
        Cursor { value, id: row.id }
    }

    /// The rows of a page, from behind a cursor or from a number of rows on; and where the page after them begins, if there
    /// is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows(
        &self,
        db: &Db,
        after: Option<&Cursor>,
        page: Page,
    ) -> Result<(Vec<Event>, Option<Cursor>), DbError> {
        let (column, parameter) = self.column();
        let (sign, direction) = if self.order.1 { ("<", " DESC") } else { (">", "") };
        let behind = match after {
            Some(_) => format!(" AND ({column}, id) {sign} ({parameter}, $12)"),
            None => String::new(),
        };
        let select = format!(
            concat!(
                "SELECT ",
                columns!(),
                ", title_words FROM event WHERE {}{} ORDER BY {}{}, id{} LIMIT $13 OFFSET $14"
            ),
            self.condition(db.engine()),
            behind,
            column,
            direction,
            direction
        );
        let (mut text, mut time) = (None, None);
        match after.map(|after| &after.value) {
            Some(Value::Text(value)) => text = Some(value.as_str()),
            Some(Value::Time(value)) => time = Some(*value),
            // No order of this list has a number; the name of the order in the cursor has been compared before.
            Some(Value::Number(_)) | None => {}
        }
        let id = after.map(|after| after.id);
        // One more than is shown, which tells whether a page follows.
        let limit = i64::from(page.limit) + 1;
        let offset = if after.is_some() { 0 } else { page.offset() };
        let Binds { query, reach, decides, user, status, organization, creator, from, to } =
            &Binds::of(self, db.engine());
        let rows: Vec<Sorted> = q!(
            db.read,
            fetch_all,
            AssertSqlSafe(select.as_str()),
            query,
            reach,
            decides,
            user,
            status,
            organization,
            creator,
            from,
            to,
            text,
            time,
            id,
            limit,
            offset
        )?;
        let (rows, next) = cut_page(rows, page.limit, |last| self.cursor(last));
        let events = rows.into_iter().map(|sorted| sorted.row.try_into()).collect::<Result<_, _>>()?;
        Ok((events, next))
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn total(&self, db: &Db) -> Result<u64, DbError> {
        let count = format!("SELECT COUNT(*) FROM event WHERE {}", self.condition(db.engine()));
        let Binds { query, reach, decides, user, status, organization, creator, from, to } =
            &Binds::of(self, db.engine());
        let total: i64 = q!(
            db.read,
            scalar,
            AssertSqlSafe(count.as_str()),
            query,
            reach,
            decides,
            user,
            status,
            organization,
            creator,
            from,
            to
        )?;
        Ok(u64::try_from(total).unwrap_or_default())
    }
}

/// The parameters 1 to 9, in their order.
struct Binds {
    query: String,
    reach: Json<Vec<Uuid>>,
    decides: Json<Vec<Uuid>>,
    user: Uuid,
    status: Option<&'static str>,
    organization: Option<Uuid>,
    creator: Option<Uuid>,
    from: Option<Ts>,
    to: Option<Ts>,
}

impl Binds {
    fn of(listing: &Listing<'_>, engine: Engine) -> Self {
        let (filter, sight) = (listing.filter, listing.sight);
        Self {
            query: listing.search.as_ref().map(|search| search.anywhere(engine)).unwrap_or_default(),
            reach: sight.reach.list(),
            decides: list(&sight.decides),
            user: sight.user.uuid(),
            status: filter.status.map(EventStatus::as_str),
            organization: filter.organization_id.map(OrganizationId::uuid),
            creator: filter.created_by.map(UserId::uuid),
            from: filter.start_date_from.map(Ts::from_datetime),
            to: filter.start_date_to.map(Ts::from_datetime),
        }
    }
}

/// The approved events of an organisation that begin at this time or later, the earliest first, so many at most.
///
/// # Errors
/// When the database fails.
pub async fn calendar_of(
    db: &Db,
    organization: OrganizationId,
    from: Ts,
    most: u32,
) -> Result<Vec<Event>, DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM event WHERE organization_id = $1 AND status = 'APPROVED' AND start_at >= $2 ORDER BY start_at, id LIMIT $3"
    );
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, organization.uuid(), from, i64::from(most))?;
    rows.into_iter().map(Event::try_from).collect()
}
