//! Pages and sort order of a list, bounded, and by an allowed list of keys only.

use crate::error::{ApiError, ApiResult};
use contract::page::Pagination;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// The largest page.
pub const MAX_LIMIT: u32 = 100;

/// The paging parameters of a list. A list with parameters of its own repeats these two: a flattened struct is read from
/// a query string as text only, so its numbers would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Validate, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The page, from 1.
    #[serde(default = "first")]
    #[garde(range(min = 1, max = 1_000_000))]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[serde(default = "usual")]
    #[garde(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// The default of a `page` field.
#[must_use]
pub const fn first() -> u32 {
    1
}

/// The default of a `limit` field.
#[must_use]
pub const fn usual() -> u32 {
    20
}

/// A page as a store needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The page, from 1.
    pub page: u32,
    /// Rows on a page at most.
    pub limit: u32,
}

impl Page {
    /// From validated parameters.
    #[must_use]
    pub const fn new(page: u32, limit: u32) -> Self {
        Self { page, limit }
    }

    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        i64::from(self.page.saturating_sub(1)) * i64::from(self.limit)
    }

    /// Where it stands in a list of `total` rows.
    #[must_use]
    pub fn of(self, total: u64) -> Pagination {
        Pagination::new(self.page, self.limit, total)
    }
}

impl From<&PageQuery> for Page {
    fn from(query: &PageQuery) -> Self {
        Self::new(query.page, query.limit)
    }
}

/// What a page shows of rows of which one more was read than it holds, and where the page after it begins, if there is one:
/// `place` tells it of the last row that is shown.
#[must_use]
pub fn cut_page<R, P>(mut rows: Vec<R>, limit: u32, place: impl FnOnce(&R) -> P) -> (Vec<R>, Option<P>) {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let follows = rows.len() > wanted;
    rows.truncate(wanted);
    let next = rows.last().filter(|_| follows).map(place);
    (rows, next)
}

/// A key that a list can be sorted by. The column is ours, never the client's text.
pub trait SortKey: Copy + 'static {
    /// What clients may write, and the column it means.
    const KEYS: &'static [(&'static str, Self)];

    /// Parses `key` or `-key` (descending).
    ///
    /// # Errors
    /// 400 that names the parameter and lists the keys.
    fn parse(text: &str) -> ApiResult<(Self, bool)> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let found = Self::KEYS.iter().find(|(key, _)| *key == name);
        found.map(|(_, key)| (*key, descending)).ok_or_else(|| {
            let known = Self::KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ");
            ApiError::invalid_field(
                "sort",
                format!("must be one of: {known}; with a leading - for descending"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Key {
        Created,
    }

    impl SortKey for Key {
        const KEYS: &'static [(&'static str, Self)] = &[("createdAt", Self::Created)];
    }

    #[test]
    fn only_listed_keys_sort() {
        assert_eq!(Key::parse("-createdAt").unwrap(), (Key::Created, true));
        assert!(Key::parse("password_hash; DROP TABLE users").is_err());
    }

    #[test]
    fn a_page_follows_when_a_row_is_left() {
        let cut = |rows: &[u8]| cut_page(rows.to_vec(), 2, |last| *last);
        assert_eq!(cut(&[1, 2, 3]), (vec![1, 2], Some(2)));
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(cut(&[]), (Vec::new(), None));
    }

    proptest! {
        #[test]
        fn pages_cover_every_row_once(total in 0_u64..5_000, limit in 1_u32..=MAX_LIMIT) {
            let pages = Page::new(1, limit).of(total).pages.unwrap();
            let mut covered = 0_u64;
            for number in 1..=pages {
                let page = Page::new(u32::try_from(number).unwrap(), limit);
                prop_assert_eq!(u64::try_from(page.offset()).unwrap(), covered);
                covered += u64::from(limit).min(total - covered);
                prop_assert_eq!(page.of(total).has_next, covered < total);
            }
            prop_assert_eq!(covered, total);
        }
    }
}
