//! Rules that requests of the catalog share. A message says what is expected and never repeats what was sent.

use super::{Attribute, Image};
use crate::money::{self, Money};
use garde::{Error, Validate};
use serde::{Deserialize, Deserializer};

/// One line of text for a person: not blank, and no control characters.
pub(super) fn line(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(Error::new("must not be blank"));
    }
    no_control(value, false)
}

/// Text of several lines for a person.
pub(super) fn text(value: &str, _: &()) -> garde::Result {
    no_control(value, true)
}

fn no_control(value: &str, lines: bool) -> garde::Result {
    let allowed = |c: char| lines && matches!(c, '\n' | '\r' | '\t');
    if value.chars().any(|c| c.is_control() && !allowed(c)) {
        return Err(Error::new("must not contain control characters"));
    }
    Ok(())
}

/// What stands in an address: `a-z`, `0-9` and single hyphens inside, 1 to 100 characters.
pub(super) fn slug(value: &str, _: &()) -> garde::Result {
    let allowed = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let hyphens = value.starts_with('-') || value.ends_with('-') || value.contains("--");
    if !allowed || hyphens || !(1..=100).contains(&value.len()) {
        return Err(Error::new("1 to 100 of a-z, 0-9 and single hyphens inside"));
    }
    Ok(())
}

/// A number in a warehouse: 1 to 64 letters, digits and `. _ - /`, without spaces.
pub(super) fn sku(value: &str, _: &()) -> garde::Result {
    let allowed = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
    if !allowed || !(1..=64).contains(&value.len()) {
        return Err(Error::new("1 to 64 letters without accents, digits and . _ - /"));
    }
    Ok(())
}

/// What something is sold for: above nothing.
pub(super) fn price(value: &Money, _: &()) -> garde::Result {
    if value.amount < 1 {
        return Err(Error::new("amount must be above 0"));
    }
    money::price(value, &())
}

/// The address of an image.
pub(super) fn image_url(value: &str, _: &()) -> garde::Result {
    let web = value.starts_with("https://") || value.starts_with("http://");
    if !web || value.len() > 2_000 || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::new(
            "must be an address that begins with https:// or http://, of 2000 characters at most",
        ));
    }
    garde::rules::url::apply(&value, ()).map_err(|_| Error::new("must be an address"))
}

/// The images of a product: twenty at most, each once.
pub(super) fn images(value: &[Image], _: &()) -> garde::Result {
    if value.len() > 20 {
        return Err(Error::new("20 images at most"));
    }
    distinct(value.iter().map(|image| image.url.as_str()), "an image stands twice")
}

/// The attributes of a product: fifty at most, each name once.
pub(super) fn attributes(value: &[Attribute], _: &()) -> garde::Result {
    if value.len() > 50 {
        return Err(Error::new("50 attributes at most"));
    }
    distinct(value.iter().map(|attribute| attribute.name.trim()), "a name stands twice")
}

/// As [`images`], with each of them.
pub(super) fn image_list(value: &[Image], _: &()) -> garde::Result {
    images(value, &())?;
    each(value)
}

/// As [`attributes`], with each of them.
pub(super) fn attribute_list(value: &[Attribute], _: &()) -> garde::Result {
    attributes(value, &())?;
    each(value)
}

fn each<T: Validate<Context = ()>>(values: &[T]) -> garde::Result {
    for (index, value) in values.iter().enumerate() {
        if let Err(report) = value.validate() {
            let first =
                report.iter().next().map(|(path, error)| format!("number {}: {path} {error}", index + 1));
            return Err(Error::new(first.unwrap_or_default()));
        }
    }
    Ok(())
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>, message: &str) -> garde::Result {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::new(message));
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

/// Identifiers with commas between them, as they stand in a query.
pub(super) mod commas {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(in super::super) fn serialize<S: Serializer, T: Display>(
        ids: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }

    pub(in super::super) fn deserialize<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr,
    {
        let text = String::deserialize(deserializer)?;
        let ids = text.split(',').filter(|id| !id.is_empty());
        ids.map(|id| id.parse().map_err(|_| D::Error::custom("expected UUIDs with commas between them")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn nothing_is_sold_for_nothing() {
        let eur = |amount| price(&Money::new(amount, Currency::EUR), &());
        assert!(eur(1).is_ok());
        for bad in [0, -1, i64::MIN, i64::MAX] {
            assert!(eur(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_slug_is_fit_for_a_url() {
        for good in ["a", "4k-tv-55", "x1"] {
            assert!(slug(good, &()).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "a/b", "é", &"a".repeat(101)] {
            assert!(slug(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_of_a_warehouse_has_no_spaces_and_no_accents() {
        assert!(sku("AB-1_2.3/x", &()).is_ok());
        for bad in ["", "A 1", "É1", "a\n", &"x".repeat(65)] {
            assert!(sku(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_image_is_on_the_web() {
        assert!(image_url("https://img.example/a.jpg?w=1", &()).is_ok());
        for bad in
            ["", "a.jpg", "javascript:alert(1)", "data:image/png;base64,AA", "https://", "https://a b/"]
        {
            assert!(image_url(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_has_lines_and_a_line_has_none() {
        assert!(text("one\n\ttwo", &()).is_ok());
        assert!(text("\u{0}", &()).is_err());
        assert!(line("one\ntwo", &()).is_err());
        assert!(line("  ", &()).is_err());
    }
}
