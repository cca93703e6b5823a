//! Products as they are listed: searched, filtered, sorted, a page at a time, by number or by cursor.

use super::product::{Row, columns};
use super::search::{NAME, matches};
use super::{in_list, list};
use chassis::db::search::Search;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, q};
use chassis::http::sorted::{Cursor, Value};
use chassis::http::{Page, SortKey, cut_page};
use contract::catalog::{ListProducts, Product};
use contract::ids::{BrandId, CategoryId, ProductId, UserId};

/// What products can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they were made.
    CreatedAt,
    /// Their name.
    Name,
    /// What they cost, in the smallest units of whatever currency.
    Price,
    /// How well they fit the search: the best first.
    Relevance,
}

impl SortKey for SortBy {
    const KEYS: &'static [(&'static str, Self)] = &[
        ("createdAt", Self::CreatedAt),
        ("name", Self::Name),
        ("price", Self::Price),
        ("relevance", Self::Relevance),
    ];
}

/// Which products are let through, besides by the filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// What is sold.
    Sold,
    /// What is not sold; of this vendor, when one is named.
    Unsold(Option<UserId>),
    /// All; of this vendor, when one is named.
    All(Option<UserId>),
}

impl Sight {
    const fn vendor(self) -> Option<UserId> {
        match self {
            Self::Sold => None,
            Self::Unsold(vendor) | Self::All(vendor) => vendor,
        }
    }
}

/// A list that is asked for.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    /// The filters.
    pub filter: &'a ListProducts,
    /// The words that are searched for.
    pub search: Option<Search>,
    /// Who sees what.
    pub sight: Sight,
    /// By what it is sorted, and whether downwards.
    pub order: (SortBy, bool),
}

/// A row and where it stands in its order.
#[derive(sqlx::FromRow)]
struct Ranked {
    #[sqlx(flatten)]
    row: Row,
    name_words: String,
    rank: i32,
}

impl Listing<'_> {
    /// How well a row fits, the same on both engines: the name is what was searched for, begins with it, has all of its
    /// words, has not.
    fn rank(&self, engine: Engine) -> String {
        if self.search.is_none() || self.order.0 != SortBy::Relevance {
            return "0".to_owned();
        }
        format!(
            "CASE WHEN p.name_words = $3 THEN 3 WHEN p.name_words >= $3 AND p.name_words < $4 THEN 2 \
             WHEN {} THEN 1 ELSE 0 END",
            matches(engine, "$2")
        )
    }

    /// The condition of what is asked for; a parameter that is not in it is bound and left alone.
    fn condition(&self, engine: Engine) -> String {
        let filter = self.filter;
        let mut all = vec![match self.sight {
            Sight::Sold => "p.active".to_owned(),
            Sight::Unsold(_) => "NOT p.active".to_owned(),
            Sight::All(_) => "1 = 1".to_owned(),
        }];
        let mut when = |is_set: bool, condition: &str| {
            if is_set {
                all.push(condition.to_owned());
            }
        };
        when(self.search.is_some(), &matches(engine, "$1"));
        when(
            filter.category.is_some(),
            "p.category_id IN (WITH RECURSIVE below (id) AS (SELECT id FROM category WHERE id = $5 \
             UNION ALL SELECT c.id FROM category c JOIN below b ON c.parent_id = b.id) SELECT id FROM below)",
        );
        when(filter.brand.is_some(), "p.brand_id = $6");
        when(filter.vendor.is_some(), "p.vendor_id = $7");
        when(self.sight.vendor().is_some(), "p.vendor_id = $8");
        when(filter.min_price.is_some(), "p.price_amount >= $9");
        when(filter.max_price.is_some(), "p.price_amount <= $10");
        when(filter.currency.is_some(), "p.price_currency = $11");
        when(filter.featured == Some(true), "p.featured");
        when(filter.featured == Some(false), "NOT p.featured");
        all.join(" AND ")
    }

    /// The column of the order, whether it goes downwards, and the parameter that a cursor puts beside it.
    fn column(&self, engine: Engine) -> (String, bool, &'static str) {
        let (by, descending) = self.order;
        match by {
            SortBy::CreatedAt => ("p.created_at".to_owned(), descending, "$14"),
            SortBy::Name => ("p.name_words".to_owned(), descending, "$12"),
            SortBy::Price => ("p.price_amount".to_owned(), descending, "$13"),
            // The best fit has the highest rank, and comes first.
            SortBy::Relevance => (format!("({})", self.rank(engine)), !descending, "$13"),
        }
    }

    fn cursor(&self, last: &Ranked) -> Cursor {
        let value = match self.order.0 {
            SortBy::CreatedAt => Value::Time(last.row.created_at),
            SortBy::Name => Value::Text(last.name_words.clone()),
            SortBy::Price => Value::Number(last.row.price_amount),
            SortBy::Relevance => Value::Number(i64::from(last.rank)),
        };
        Cursor { value, id: last.row.id }
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
    ) -> Result<(Vec<Product>, Option<Cursor>), DbError> {
        let (engine, binds) = (db.engine(), Binds::of(self, db.engine()));
        let (column, downwards, parameter) = self.column(engine);
        let (sign, direction) = if downwards { ("<", " DESC") } else { (">", "") };
        let behind = match after {
            Some(_) => format!(" AND ({column}, p.id) {sign} ({parameter}, $15)"),
            None => String::new(),
        };
        let select = format!(
            "SELECT {}, p.name_words, CAST({} AS INTEGER) AS rank FROM product p WHERE {}{behind} \
             ORDER BY {column}{direction}, p.id{direction} LIMIT $16 OFFSET $17",
            columns!(),
            self.rank(engine),
            self.condition(engine)
        );
        let (mut text, mut number, mut time) = (None, None, None);
        match after.map(|after| &after.value) {
            Some(Value::Text(value)) => text = Some(value.as_str()),
            Some(Value::Number(value)) => number = Some(*value),
            Some(Value::Time(value)) => time = Some(*value),
            None => {}
        }
        let id = after.map(|after| after.id);
        // One more than is shown, which tells whether a page follows.
        let limit = i64::from(page.limit) + 1;
        let offset = if after.is_some() { 0 } else { page.offset() };
        let Binds { anywhere, in_name, from, to, category, brand, vendor, own, least, most, currency } =
            &binds;
        let rows: Vec<Ranked> = q!(
            db.read,
            fetch_all,
            AssertSqlSafe(select.as_str()),
            anywhere,
            in_name,
            from,
            to,
            category,
            brand,
            vendor,
            own,
            least,
            most,
            currency,
            text,
            number,
            time,
            id,
            limit,
            offset
        )?;
        let (rows, next) = cut_page(rows, page.limit, |last| self.cursor(last));
        let products = rows.into_iter().map(|ranked| ranked.row.try_into()).collect::<Result<_, _>>()?;
        Ok((products, next))
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn total(&self, db: &Db) -> Result<u64, DbError> {
        let binds = Binds::of(self, db.engine());
        let count = format!("SELECT COUNT(*) FROM product p WHERE {}", self.condition(db.engine()));
        let Binds { anywhere, in_name, from, to, category, brand, vendor, own, least, most, currency } =
            &binds;
        let total: i64 = q!(
            db.read,
            scalar,
            AssertSqlSafe(count.as_str()),
            anywhere,
            in_name,
            from,
            to,
            category,
            brand,
            vendor,
            own,
            least,
            most,
            currency
        )?;
        Ok(u64::try_from(total).unwrap_or_default())
    }
}

/// The parameters 1 to 11, in their order.
struct Binds<'a> {
    anywhere: String,
    in_name: String,
    from: String,
    to: String,
    category: Option<uuid::Uuid>,
    brand: Option<uuid::Uuid>,
    vendor: Option<uuid::Uuid>,
    own: Option<uuid::Uuid>,
    least: Option<i64>,
    most: Option<i64>,
    currency: Option<&'a str>,
}

impl<'a> Binds<'a> {
    fn of(listing: &Listing<'a>, engine: Engine) -> Self {
        let (filter, search) = (listing.filter, listing.search.as_ref());
        let from = search.map(Search::text).unwrap_or_default();
        Self {
            anywhere: search.map(|search| search.anywhere(engine)).unwrap_or_default(),
            in_name: search.map(|search| search.within(engine, NAME.0, NAME.1)).unwrap_or_default(),
            // Nothing sorts behind this character, so everything that begins with the words lies between.
            to: format!("{from}\u{10ffff}"),
            from,
            category: filter.category.map(CategoryId::uuid),
            brand: filter.brand.map(BrandId::uuid),
            vendor: filter.vendor.map(UserId::uuid),
            own: listing.sight.vendor().map(UserId::uuid),
            least: filter.min_price,
            most: filter.max_price,
            currency: filter.currency.as_ref().map(|currency| currency.code()),
        }
    }
}

/// What is sold in the categories of these products, without these, at most so many: what is featured first, then the newest.
///
/// # Errors
/// When the database fails.
pub async fn related(db: &Db, products: &[ProductId], limit: u32) -> Result<Vec<Product>, DbError> {
    let these = in_list(db.engine());
    let select = format!(
        "SELECT {} FROM product p WHERE p.active AND p.category_id IN (SELECT o.category_id FROM product o WHERE o.id {these}) \
         AND NOT (p.id {these}) ORDER BY p.featured DESC, p.created_at DESC, p.id DESC LIMIT $2",
        columns!()
    );
    let ids = list(products.iter().map(|id| id.uuid()));
    let rows: Vec<Row> = q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), &ids, i64::from(limit))?;
    rows.into_iter().map(Product::try_from).collect()
}
