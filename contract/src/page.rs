//! The envelope of a successful answer, and pages of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every successful answer that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Success<T> {
    /// Always true.
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// One sentence for a person, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where this page stands in its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
}

/// Data of an answer that only says that it was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

/// Where a page stands in its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// This page, from 1; absent in a list that is read by cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Rows on a page at most.
    pub limit: u32,
    /// Rows in the whole list; absent in one that grows without end, where counting would cost more than reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Pages in the whole list; absent where the total is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Whether a page follows.
    pub has_next: bool,
    /// Whether a page precedes.
    pub has_prev: bool,
    /// Opaque place to continue from, in lists that grow without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The page that a list begins with when the query names none.
pub(crate) const fn first_page() -> u32 {
    1
}

/// Rows on a page when the query names no limit.
pub(crate) const fn usual_limit() -> u32 {
    20
}

impl Pagination {
    /// The place of page `page` with `limit` rows in a list of `total` rows. Both start at 1.
    #[must_use]
    pub fn new(page: u32, limit: u32, total: u64) -> Self {
        let pages = total.div_ceil(u64::from(limit.max(1)));
        Self {
            page: Some(page),
            limit,
            total: Some(total),
            pages: Some(pages),
            has_next: u64::from(page) < pages,
            has_prev: page > 1 && pages > 0,
            cursor: None,
        }
    }

    /// The place of a page in a list that grows without end: whether it continues from somewhere, and where the page
    /// after it begins, if there is one.
    #[must_use]
    pub fn by_cursor(limit: u32, continues: bool, next: Option<String>) -> Self {
        let (page, total, pages) = (None, None, None);
        Self { page, limit, total, pages, has_next: next.is_some(), has_prev: continues, cursor: next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_full_page_has_no_next_one() {
        let last = Pagination::new(2, 10, 20);
        assert_eq!((last.pages, last.has_next, last.has_prev), (Some(2), false, true));
    }

    #[test]
    fn an_empty_list_has_no_pages_at_all() {
        let none = Pagination::new(1, 20, 0);
        assert_eq!((none.pages, none.has_next, none.has_prev), (Some(0), false, false));
    }
}
