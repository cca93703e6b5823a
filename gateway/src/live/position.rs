//! The place of a message in the order of all messages, as clients hold it: a text that names the history too, so that a
//! position of another database is seen to be one.

use std::fmt;
use std::sync::Arc;

/// Which history positions are of. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Epoch(Arc<str>);

/// A place in a history, to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a>(&'a Epoch, i64);

/// What a text says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// A place of this history.
    Here(i64),
    /// A place of another.
    Elsewhere,
    /// No place at all.
    Nonsense,
}

impl Epoch {
    pub(super) fn new(epoch: &str) -> Self {
        Self(epoch.into())
    }

    pub(super) fn at(&self, position: i64) -> At<'_> {
        At(self, position)
    }

    pub(super) fn read(&self, text: &str) -> Read {
        let is_epoch =
            |text: &str| (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        // No sign, no leading zeros: one text for each place.
        let number =
            |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0 && number.to_string() == text);
        match text.split_once('.').map(|(epoch, position)| (epoch, number(position))) {
            Some((epoch, Some(position))) if epoch == &*self.0 => Read::Here(position),
            Some((epoch, Some(_))) if is_epoch(epoch) => Read::Elsewhere,
            _ => Read::Nonsense,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_of_another_history_is_seen_to_be_one() {
        let (here, there) = (Epoch::new("0a1b2c3d"), Epoch::new("ffffffff"));
        assert_eq!(here.read(&here.at(17).to_string()), Read::Here(17));
        assert_eq!(there.read(&here.at(17).to_string()), Read::Elsewhere);
        for nonsense in [
            "",
            "17",
            "0a1b2c3d",
            "0a1b2c3d.",
            "0a1b2c3d.-1",
            "0a1b2c3d.+1",
            "0a1b2c3d.01",
            ".1",
            "x y.1",
            "a.1.1",
        ] {
            assert_eq!(here.read(nonsense), Read::Nonsense, "{nonsense:?}");
        }
    }
}
