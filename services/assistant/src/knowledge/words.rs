//! The words that passages are found by, and those that are looked for in a question.
//!
//! Both engines are given words that were folded and cut here, so neither has an opinion of its own about what a word is.

use chassis::words::fold;
use std::collections::HashSet;

/// Characters of a word at most; what follows is left out, on both sides.
const LONGEST: usize = 64;
/// Words of a question at most; further ones are left out.
pub const MOST: usize = 16;
/// A word of so many characters is found from its beginning, a shorter one only as a whole or as a plural.
const FROM_ITS_BEGINNING: usize = 4;
/// Characters of a word without the ending of a plural at least.
const SHORTEST: usize = 3;

/// Words of English that say nothing about what a text is about. They are left out of a question when there are others.
const SAY_NOTHING: &str = "a about after all also am an and any are as at be because been before being but by can could did do does \
    doing down during each few for from further had has have having he her here hers him his how i if in into is it its \
    itself just ll me more most my no nor not now of off on once only or other our ours out over own please same she should \
    so some such t tell than that the their theirs them then there these they this those through to too under until up us \
    very was we were what when where which while who whom why will with would you your yours";

/// The words of a text as they are kept in the index, with single spaces between.
#[must_use]
pub fn of_text(title: &str, text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for word in fold(title).split(' ').chain(fold(text).split(' ')).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(cut(word));
    }
    words
}

fn cut(word: &str) -> &str {
    word.char_indices().nth(LONGEST).map_or(word, |(at, _)| &word[..at])
}

/// A word that is looked for: letters and digits only, so that nothing in it can be a part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The word, without the ending of a plural.
    pub stem: String,
    /// Whether words that begin with it are found too.
    pub open: bool,
}

impl Term {
    fn of(word: &str) -> Self {
        let stem = cut(singular(word)).to_owned();
        let open = stem.chars().count() >= FROM_ITS_BEGINNING;
        Self { stem, open }
    }

    /// How well a word of a text is what is looked for, in hundredths.
    #[must_use]
    pub fn fits(&self, word: &str) -> u32 {
        match cut(word).strip_prefix(self.stem.as_str()) {
            Some("" | "s" | "es") => 100,
            Some(_) if self.open => 50,
            _ => 0,
        }
    }
}

/// The word without the ending of an English plural.
fn singular(word: &str) -> &str {
    let without = |end: &str, left: usize| word.strip_suffix(end).filter(|rest| rest.chars().count() >= left);
    if word.ends_with("ss") {
        return word;
    }
    if ["xes", "ches", "shes", "sses"].iter().any(|end| word.ends_with(end)) {
        return without("es", SHORTEST).unwrap_or(word);
    }
    without("ies", FROM_ITS_BEGINNING).or_else(|| without("s", SHORTEST)).unwrap_or(word)
}

/// What is looked for with a question: its words, each once, without those that say nothing.
#[must_use]
pub fn of_question(question: &str) -> Vec<Term> {
    let folded = fold(question);
    let nothing: HashSet<&str> = SAY_NOTHING.split_whitespace().collect();
    let telling: Vec<&str> = folded.split_whitespace().filter(|word| !nothing.contains(word)).collect();
    let words = if telling.is_empty() { folded.split_whitespace().collect() } else { telling };
    let mut terms: Vec<Term> = Vec::new();
    for term in words.into_iter().map(Term::of) {
        if terms.len() < MOST && !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stems(question: &str) -> Vec<String> {
        of_question(question).into_iter().map(|term| term.stem).collect()
    }

    #[test]
    fn a_question_is_its_telling_words_each_once() {
        assert_eq!(
            stems("What is the policy for refunds and REFUND policies?"),
            ["policy", "refund", "polic"]
        );
        assert_eq!(stems("Crème brûlée"), ["creme", "brulee"]);
        assert_eq!(stems("who are you?"), ["who", "are", "you"], "better than nothing");
        assert_eq!(stems(" -- "), Vec::<String>::new());
    }

    #[test]
    fn plurals_find_singulars_and_short_words_are_taken_as_they_are() {
        let [term] = &*of_question("refunds") else { panic!("one word") };
        assert_eq!(["refund", "refunds", "refunded", "fund"].map(|word| term.fits(word)), [100, 100, 50, 0]);
        let [term] = &*of_question("tax") else { panic!("one word") };
        assert_eq!(["tax", "taxi"].map(|word| term.fits(word)), [100, 0]);
        let [term] = &*of_question("cats") else { panic!("one word") };
        assert_eq!(["cat", "cats", "catch"].map(|word| term.fits(word)), [100, 100, 0]);
        assert_eq!(stems("address bus taxes dishes prices"), ["address", "bus", "tax", "dish", "price"]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_is_a_part_of_a_query(text in ".*") {
            let terms = of_question(&text);
            prop_assert!(terms.len() <= MOST);
            for Term { stem, .. } in terms {
                prop_assert!(!stem.is_empty() && stem.chars().count() <= LONGEST);
                prop_assert!(stem.chars().all(char::is_alphanumeric));
            }
        }

        #[test]
        fn words_of_the_index_have_single_spaces_and_an_end(title in ".*", text in ".*") {
            let words = of_text(&title, &text);
            prop_assert!(words.split(' ').all(|word| words.is_empty() || (1..=LONGEST).contains(&word.chars().count())));
        }

        #[test]
        fn every_word_of_a_text_finds_it(text in "[a-zA-Zé]{1,80}") {
            for term in of_question(&text) {
                prop_assert!(of_text("", &text).split(' ').any(|word| term.fits(word) > 0));
            }
        }
    }
}
