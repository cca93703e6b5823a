//! Full text in the terms of each engine: FTS5 on SQLite, `tsvector` on PostgreSQL. Both are given words that were folded
//! here, and both are asked for all words, each from its beginning; so both find the same.

use crate::domain::words::fold;
use chassis::db::Engine;

/// Words of a search at most; further ones are left out.
const MOST: usize = 12;

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

impl Search {
    /// The search of a text; `None` when there is no word in it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<String> = fold(text).split_whitespace().take(MOST).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// All words, with single spaces between.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    /// The query for products that have all words anywhere.
    pub(super) fn anywhere(&self, engine: Engine) -> String {
        self.query(engine, "")
    }

    /// The query for products that have all words in their name.
    pub(super) fn in_name(&self, engine: Engine) -> String {
        match engine {
            Engine::Sqlite => format!("name_words : ({})", self.query(engine, "")),
            Engine::Postgres => self.query(engine, "A"),
        }
    }

    /// The words are letters and digits only, so there is nothing in them that a query could take for its own.
    fn query(&self, engine: Engine, weight: &str) -> String {
        let term = |word: &String| match engine {
            Engine::Sqlite => format!("\"{word}\" *"),
            Engine::Postgres => format!("'{word}':*{weight}"),
        };
        let between = match engine {
            Engine::Sqlite => " AND ",
            Engine::Postgres => " & ",
        };
        self.words.iter().map(term).collect::<Vec<_>>().join(between)
    }
}

/// The condition that a row is found by the query in the parameter `parameter`.
pub(super) fn matches(engine: Engine, parameter: &str) -> String {
    match engine {
        Engine::Sqlite => {
            format!("p.seq IN (SELECT rowid FROM product_search WHERE product_search MATCH {parameter})")
        }
        Engine::Postgres => format!("p.search @@ CAST({parameter} AS TSQUERY)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_search_is_for_all_words_each_from_its_beginning() {
        let search = Search::of("Crème LAMP").unwrap();
        assert_eq!(search.anywhere(Engine::Sqlite), "\"creme\" * AND \"lamp\" *");
        assert_eq!(search.in_name(Engine::Sqlite), "name_words : (\"creme\" * AND \"lamp\" *)");
        assert_eq!(search.anywhere(Engine::Postgres), "'creme':* & 'lamp':*");
        assert_eq!(search.in_name(Engine::Postgres), "'creme':*A & 'lamp':*A");
        assert_eq!(Search::of(" -- "), None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_is_a_part_of_the_query(text in ".*") {
            if let Some(search) = Search::of(&text) {
                prop_assert!(search.text().chars().all(|c| c == ' ' || c.is_alphanumeric()));
            }
        }
    }
}
