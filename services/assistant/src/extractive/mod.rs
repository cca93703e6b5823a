//! The answerer that is there without any model: it picks the sentences that fit a question best out of the passages that
//! were found, says from where each is, and says that no model is configured.
//!
//! It makes nothing up: every sentence of an answer, besides its own first one, stands in a passage. It follows no
//! instruction either, whoever wrote it, because it follows none.

use crate::knowledge::words::{Term, of_question};
use crate::knowledge::{Passage, chunk};
use chassis::words::fold;

/// The name that stands in place of a model's.
pub const NAME: &str = "extractive";

/// Sentences of an answer at most.
const MOST: usize = 5;
/// Characters that are taken of a sentence at most.
const LONGEST: usize = 400;

/// What an answer begins with that was found.
pub const FOUND: &str =
    "No language model is configured. These sentences of your documents fit the question best:";
/// The answer when nothing was found.
pub const NOTHING: &str = "No language model is configured, and nothing in your documents fits the question. \
    Add documents to a knowledge base, or ask with other words.";

struct Sentence<'a> {
    text: &'a str,
    passage: usize,
    place: usize,
    score: u64,
}

/// Answers a question from passages, the best first. Behind each sentence stands the number of its passage: `[1]`.
#[must_use]
pub fn answer(question: &str, passages: &[Passage]) -> String {
    let terms = of_question(question);
    let mut found: Vec<Sentence<'_>> = Vec::new();
    for (passage, given) in passages.iter().enumerate() {
        for (place, text) in sentences(&given.text).enumerate() {
            let score = score(&terms, text);
            // Passages share sentences at their borders.
            if score > 0 && !found.iter().any(|other| other.text == text) {
                found.push(Sentence { text, passage, place, score });
            }
        }
    }
    found.sort_by_key(|sentence| (std::cmp::Reverse(sentence.score), sentence.passage, sentence.place));
    found.truncate(MOST);
    // Told in the order in which they are read.
    found.sort_by_key(|sentence| (sentence.passage, sentence.place));
    if found.is_empty() {
        return NOTHING.to_owned();
    }
    let line =
        |sentence: &Sentence<'_>| format!("\n- {} [{}]", shortened(sentence.text), sentence.passage + 1);
    std::iter::once(FOUND.to_owned()).chain(found.iter().map(line)).collect()
}

/// How many of the words are in a sentence: each counts once, and one that is there as it was asked counts more.
fn score(terms: &[Term], sentence: &str) -> u64 {
    let words = fold(sentence);
    let best = |term: &Term| words.split_whitespace().map(|word| term.fits(word)).max().unwrap_or(0);
    terms.iter().map(|term| u64::from(best(term))).sum()
}

/// The sentences of a passage, without the signs of lists and headings.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| chunk::sentences(line, 0..line.len()).into_iter().map(|range| &line[range]))
        .map(|sentence| sentence.trim_matches(|c: char| c.is_whitespace() || "#*->|".contains(c)))
        .filter(|sentence| !sentence.is_empty())
}

/// A sentence, cut when it is very long. What looks like a citation in it is none of ours, and must not be taken for one.
fn shortened(sentence: &str) -> String {
    let text = match sentence.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", sentence[..at].trim_end()),
        None => sentence.to_owned(),
    };
    text.replace('[', "(").replace(']', ")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::citations::Citations;
    use contract::ids::{DocumentId, KnowledgeBaseId};
    use proptest::prelude::*;

    fn passage(text: &str) -> Passage {
        let (base, document) = (KnowledgeBaseId::new(), DocumentId::new());
        Passage { base, document, title: "Rules".to_owned(), position: 0, text: text.to_owned(), score: 1 }
    }

    #[test]
    fn an_answer_is_sentences_of_the_passages_with_where_they_are_from() {
        let given = [
            passage("# Refunds\nYou may send goods back within 30 days. Shoes stay outside."),
            passage("A refund is paid within a week. Dogs are welcome."),
        ];
        let answer = answer("How are refunds paid, and when may goods be sent back?", &given);
        assert!(answer.starts_with(FOUND), "{}", answer);
        assert!(answer.contains("- A refund is paid within a week. [2]"), "{}", answer);
        assert!(answer.contains("- You may send goods back within 30 days. [1]"), "{}", answer);
        assert!(!answer.contains("Dogs") && !answer.contains("Shoes"), "{}", answer);
    }

    #[test]
    fn nothing_found_is_said() {
        assert_eq!(answer("What is the weather?", &[]), NOTHING);
        assert_eq!(answer("What is the weather?", &[passage("Shoes stay outside.")]), NOTHING);
    }

    #[test]
    fn a_sentence_that_two_passages_share_is_told_once() {
        let shared = "Refunds take a week.";
        let answer = answer("refunds", &[passage(shared), passage(&format!("{shared} Dogs too."))]);
        assert_eq!(answer.matches(shared).count(), 1);
        assert!(answer.ends_with("[1]"), "{answer}");
    }

    #[test]
    fn what_looks_like_a_citation_in_a_document_is_none() {
        let answer = answer("refunds", &[passage("Refunds take a week [7].")]);
        assert!(answer.ends_with("- Refunds take a week (7). [1]"), "{}", answer);
    }

    proptest! {
        #[test]
        fn only_passages_that_were_given_are_cited(question in ".{0,80}", texts in proptest::collection::vec("(?s).{0,300}", 0..5)) {
            let given: Vec<Passage> = texts.iter().map(|text| passage(text)).collect();
            let answer = answer(&question, &given);
            let mut citations = Citations::new(&given);
            prop_assert_eq!(citations.take(&answer) + &citations.finish(), answer.clone(), "no number is refused");
            prop_assert_eq!(citations.named().is_empty(), answer == NOTHING);
        }
    }
}
