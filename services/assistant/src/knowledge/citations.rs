//! Citations in an answer: `[1]` means the first passage that was given, and nothing else may be cited.
//!
//! An answer comes in parts, and a citation may be cut by them. So what may become one is held back until it is one or is
//! none; a number for which no passage was given is put into other brackets, `(7)`, and so cites nothing.

use super::Passage;

/// Digits of a number at most; there are never so many passages.
const DIGITS: usize = 4;

/// Looks at an answer piece by piece, as it comes.
#[derive(Debug, Clone)]
pub struct Citations {
    given: usize,
    held: String,
    /// Numbers that were cited, each once, in the order of the text; of these so many were told already.
    cited: Vec<usize>,
    told: usize,
}

impl Citations {
    /// For an answer that was given these passages.
    #[must_use]
    pub fn new(passages: &[Passage]) -> Self {
        Self::of(passages.len())
    }

    const fn of(given: usize) -> Self {
        Self { given, held: String::new(), cited: Vec::new(), told: 0 }
    }

    /// Takes the next piece in, and gives what may be shown by now: what may become a citation is held back until it is one or
    /// is none.
    pub fn take(&mut self, piece: &str) -> String {
        let mut shown = String::with_capacity(piece.len() + self.held.len());
        for c in piece.chars() {
            match c {
                '[' => {
                    shown.push_str(&self.held);
                    self.held = "[".to_owned();
                }
                ']' if self.held.len() > 1 => {
                    let digits = std::mem::take(&mut self.held);
                    self.settle(&digits, &mut shown);
                }
                digit if digit.is_ascii_digit() && (1..=DIGITS).contains(&self.held.len()) => {
                    self.held.push(digit)
                }
                other => {
                    shown.push_str(&std::mem::take(&mut self.held));
                    shown.push(other);
                }
            }
        }
        shown
    }

    /// A number in brackets has ended.
    fn settle(&mut self, digits: &str, shown: &mut String) {
        let number = digits.get(1..).and_then(|digits| digits.parse::<usize>().ok());
        let Some(number) = number.filter(|number| (1..=self.given).contains(number)) else {
            shown.push_str(&format!("({})", digits.trim_start_matches('[')));
            return;
        };
        if !self.cited.contains(&number) {
            self.cited.push(number);
        }
        shown.push_str(&format!("[{number}]"));
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The passages that the answer has named for the first time since this was last asked: places in what was given.
    pub fn named(&mut self) -> Vec<usize> {
        let told = std::mem::replace(&mut self.told, self.cited.len());
        self.cited.iter().skip(told).map(|number| number - 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A whole answer, and the numbers that it cites.
    fn checked(answer: &str, given: usize) -> (String, Vec<usize>) {
        read(&[answer], given)
    }

    fn read(pieces: &[&str], given: usize) -> (String, Vec<usize>) {
        let mut citations = Citations::of(given);
        let (mut shown, mut named) = (String::new(), Vec::new());
        for piece in pieces {
            shown.push_str(&citations.take(piece));
            named.extend(citations.named());
        }
        shown.push_str(&citations.finish());
        named.extend(citations.named());
        (shown, named.into_iter().map(|place| place + 1).collect())
    }

    #[test]
    fn only_what_was_given_is_cited() {
        assert_eq!(
            checked("Yes [2], and [1] too [2].", 2),
            ("Yes [2], and [1] too [2].".to_owned(), vec![2, 1])
        );
        assert_eq!(
            checked("Yes [3] and [0] and [99999999].", 2),
            ("Yes (3) and (0) and [99999999].".to_owned(), vec![])
        );
        assert_eq!(checked("No [1].", 0), ("No (1).".to_owned(), vec![]));
    }

    #[test]
    fn other_brackets_stay() {
        for text in ["a[i] = b[]", "[a](b)", "[[1", "[", "x]", "[1 2]", "[-1]"] {
            assert_eq!(checked(text, 9), (text.to_owned(), vec![]), "{text}");
        }
        assert_eq!(checked("[[1]]", 1), ("[[1]]".to_owned(), vec![1]));
        assert_eq!(
            checked("[[9]7]", 1),
            ("[(9)7]".to_owned(), vec![]),
            "what is taken out makes no other one"
        );
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_an_answer_is_cut(answer in "([a-z \\[\\]0-9é]{0,12}|\\[[0-9]{1,5}\\]){0,12}", given in 0_usize..12, cut in 1_usize..5) {
            let chars: Vec<char> = answer.chars().collect();
            let pieces: Vec<String> = chars.chunks(cut).map(|piece| piece.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (shown, cited) = read(&pieces, given);
            prop_assert!(cited.iter().all(|number| (1..=given).contains(number)));
            prop_assert_eq!((shown, cited), checked(&answer, given));
        }

        #[test]
        fn no_number_is_shown_that_stands_for_nothing(answer in "[a\\[\\]0-9]{0,40}", given in 0_usize..5) {
            let (shown, _) = checked(&answer, given);
            for number in given + 1..=1_000 {
                prop_assert!(!shown.contains(&format!("[{number}]")), "{} {}", shown, number);
            }
        }
    }
}
