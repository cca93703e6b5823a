//! Rules that requests of this service share. A message says what is expected and never repeats what was sent.

use super::TAGS_MAX;
use garde::Error;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

/// The first moment of the year 10000, which RFC 3339 cannot write, in seconds since 1970.
const END: i64 = 253_402_300_800;
/// Characters of a tag at most.
const TAG_MAX: usize = 40;

/// A text that is searched for: it is in one line, or nothing is found.
pub(super) fn searched(value: &str, _: &()) -> garde::Result {
    if value.chars().any(char::is_control) {
        return Err(Error::new("must not contain control characters"));
    }
    Ok(())
}

/// A time that every database holds: from 1970 to 9999.
pub(super) fn due(value: &OffsetDateTime, _: &()) -> garde::Result {
    if (0..END).contains(&value.unix_timestamp()) {
        Ok(())
    } else {
        Err(Error::new("must lie between 1970 and 9999"))
    }
}

/// Tags, each a short text without commas, which queries and people put between them.
pub(super) fn tags(value: &[String], _: &()) -> garde::Result {
    if value.len() > TAGS_MAX {
        return Err(Error::new(format!("more than {TAGS_MAX} tags")));
    }
    for tag in value {
        if tag.trim().is_empty() || tag.chars().count() > TAG_MAX {
            return Err(Error::new(format!("a tag has 1 to {TAG_MAX} characters")));
        }
        if tag.chars().any(|c| c.is_control() || c == ',') {
            return Err(Error::new("a tag has neither commas nor control characters"));
        }
    }
    Ok(())
}

/// Tells a field that is null from one that is absent.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A time (RFC 3339) that may be null, where null and absence are told apart.
pub(super) mod maybe_time {
    use serde::{Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::serde::rfc3339::option;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<OffsetDateTime>>, D::Error> {
        option::deserialize(deserializer).map(Some)
    }

    #[expect(clippy::ref_option, reason = "what serde calls it with")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<Option<OffsetDateTime>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        option::serialize(&value.flatten(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::CreateTodo;
    use super::*;
    use garde::Validate as _;

    #[test]
    fn a_tag_is_a_short_text_without_commas() {
        let of = |tag: &str| tags(&[tag.to_owned()], &()).is_ok();
        assert!(of("home") && of(" at home ") && of(&"ä".repeat(40)));
        assert!(!of("") && !of("  ") && !of("a,b") && !of("a\nb") && !of(&"ä".repeat(41)));
        assert!(tags(&vec!["x".to_owned(); 21], &()).is_err());
    }

    #[test]
    fn notes_may_have_lines_and_nothing_that_moves_a_cursor() {
        let of = |notes: &str| {
            let notes = Some(notes.to_owned());
            CreateTodo { title: "x".to_owned(), notes, ..CreateTodo::default() }.validate().is_ok()
        };
        assert!(of("one\r\n\ttwo\n"));
        assert!(!of("nothing \0"));
        assert!(!of("escape \u{1b}[2J"));
    }

    #[test]
    fn a_time_that_no_database_holds_is_refused() {
        let at = |secs| OffsetDateTime::from_unix_timestamp(secs).unwrap();
        assert!(due(&at(0), &()).is_ok() && due(&at(END - 1), &()).is_ok());
        assert!(due(&at(-1), &()).is_err());
    }
}
