//! Full text in the terms of each engine: FTS5 on SQLite, `tsvector` on PostgreSQL.
//!
//! What must hold: the columns hold words that were folded by [`crate::words`], and the query asks for all words, each from its
//! beginning; so both engines find the same. What it does not do: it ranks nothing, because the engines rank differently.

use super::Engine;
use crate::words::fold;

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

    /// The query for rows that have all words anywhere: the operand of `MATCH` or of `@@`.
    #[must_use]
    pub fn anywhere(&self, engine: Engine) -> String {
        self.query(engine, "")
    }

    /// The query for rows that have all words in one part of the text: on SQLite this column, on PostgreSQL what has this
    /// weight (`A` to `D`).
    #[must_use]
    pub fn within(&self, engine: Engine, column: &str, weight: char) -> String {
        match engine {
            Engine::Sqlite => format!("{column} : ({})", self.query(engine, "")),
            Engine::Postgres => self.query(engine, weight.encode_utf8(&mut [0; 4])),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_search_is_for_all_words_each_from_its_beginning() {
        let search = Search::of("Crème LAMP").unwrap();
        assert_eq!(search.anywhere(Engine::Sqlite), "\"creme\" * AND \"lamp\" *");
        assert_eq!(
            search.within(Engine::Sqlite, "name_words", 'A'),
            "name_words : (\"creme\" * AND \"lamp\" *)"
        );
        assert_eq!(search.anywhere(Engine::Postgres), "'creme':* & 'lamp':*");
        assert_eq!(search.within(Engine::Postgres, "name_words", 'A'), "'creme':*A & 'lamp':*A");
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
