//! Which of the passages that were found fit best.
//!
//! Each engine has a ranking of its own, and they disagree. So the engines only find (a passage that has one of the words,
//! those with rarer words first), and what they found is put in order here: BM25 over the words of the passage, to which
//! the words of its title are added.

use super::words::Term;
use chassis::words::fold;

/// How soon a word that stands in a passage often counts no more.
const SATURATION: f64 = 1.2;
/// How much a long passage counts less for the same words.
const LENGTH: f64 = 0.75;
/// Words of a usual passage.
const USUAL: f64 = 110.0;
/// How much a word of the title counts, beside one of the text.
const TITLE: f64 = 0.7;

/// A word that is looked for, and how much it tells: more the fewer passages have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// The word.
    pub term: Term,
    /// How much it tells, in thousandths.
    pub weight: i64,
}

/// How much a word tells that `having` of `all` passages have.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a number of rows is small")]
#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
pub fn weight(having: i64, all: i64) -> i64 {
    let (having, all) = (having.max(0) as f64, all.max(having).max(0) as f64);
    (((all - having + 0.5) / (having + 0.5)).ln_1p() * 1_000.0).round() as i64
}

/// How well a passage fits, in thousandths; 0 when no word is in it.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "16 words with small weights")]
#[expect(clippy::cast_precision_loss, reason = "words of a passage are few")]
pub fn score(terms: &[Weighed], title: &str, text: &str) -> i64 {
    let (title, text) = (fold(title), fold(text));
    let words: Vec<&str> = text.split_whitespace().collect();
    let long = 1.0 - LENGTH + LENGTH * words.len() as f64 / USUAL;
    let score: f64 = terms
        .iter()
        .map(|Weighed { term, weight }| {
            let often: u32 = words.iter().map(|word| term.fits(word)).sum();
            let named = title.split_whitespace().map(|word| term.fits(word)).max().unwrap_or(0);
            let often = (f64::from(often) + TITLE * f64::from(named)) / 100.0;
            *weight as f64 * often * (SATURATION + 1.0) / (often + SATURATION * long)
        })
        .sum();
    score.round() as i64
}

#[cfg(test)]
mod tests {
    use super::super::words::of_question;
    use super::*;
    use proptest::prelude::*;

    fn weighed(question: &str) -> Vec<Weighed> {
        of_question(question).into_iter().map(|term| Weighed { term, weight: 1_000 }).collect()
    }

    #[test]
    fn a_rare_word_tells_more_than_one_that_is_everywhere() {
        assert!(weight(1, 1_000) > weight(500, 1_000));
        assert!(weight(1_000, 1_000) >= 0 && weight(0, 0) > 0);
    }

    #[test]
    fn all_words_are_better_than_one_of_them_often() {
        let terms = weighed("refund policy");
        let both = score(&terms, "", "Our refund policy is short.");
        let often = score(&terms, "", "Refund, refund, refund, refund, refund.");
        assert!(both > often, "{both} {often}");
        assert_eq!(score(&terms, "Holidays", "We are closed in August."), 0);
    }

    #[test]
    fn the_title_counts_but_less_than_the_text() {
        let terms = weighed("refund");
        let (title, text) =
            (score(&terms, "Refunds", "Send it back."), score(&terms, "Rules", "Refunds: send it."));
        assert!(text > title && title > 0, "{text} {title}");
    }

    proptest! {
        #[test]
        fn a_passage_with_a_word_more_of_those_looked_for_is_no_worse(text in "[a-z ]{0,300}", words in "[a-z]{4,8}( [a-z]{4,8}){0,4}") {
            let terms = weighed(&words);
            let more = format!("{text} {words}");
            // The same length, so that only the words differ.
            let other = format!("{text} {}", words.replace(|c: char| c != ' ', "0"));
            prop_assert!(score(&terms, "", &more) >= score(&terms, "", &other));
        }

        #[test]
        fn a_weight_is_never_negative(having in 0_i64..1_000_000, more in 0_i64..1_000_000) {
            prop_assert!(weight(having, having + more) >= 0);
        }
    }
}
