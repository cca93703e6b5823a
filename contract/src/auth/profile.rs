//! Profiles: what people say of themselves, and who may see it.

use super::valid;
use crate::ids::UserId;
use crate::page::usual_limit;
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// One's own profile, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Whose it is.
    pub user: UserId,
    /// What others see; the same as in the account.
    pub display_name: Option<String>,
    /// A few sentences.
    pub bio: Option<String>,
    /// Where they are, in their own words.
    pub location: Option<String>,
    /// A page of theirs.
    pub website: Option<String>,
    /// Language and region (BCP 47), such as `de-CH`; for this person alone.
    pub locale: Option<String>,
    /// Time zone by its name in the IANA database, such as `Europe/Zurich`; for this person alone.
    pub time_zone: Option<String>,
    /// Whether others see the profile at all.
    pub is_public: bool,
    /// Whether they also see the e-mail address.
    pub show_email: bool,
    /// Whether they also see the location.
    pub show_location: bool,
    /// The address of the account, which [`Profile::show_email`] is about.
    pub email: String,
    /// Where the picture is, if there is one.
    pub avatar: Option<String>,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// `PATCH /api/v1/profiles/me`. A field that is absent stays as it is; null takes a text away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateProfile {
    /// What others see.
    #[garde(inner(inner(length(chars, max = 80), custom(valid::line))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub display_name: Option<Option<String>>,
    /// A few sentences.
    #[garde(inner(inner(length(chars, max = 500), custom(is_bio))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bio: Option<Option<String>>,
    /// Where they are, in their own words.
    #[garde(inner(inner(length(chars, max = 100), custom(valid::line))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub location: Option<Option<String>>,
    /// A page of theirs, by http or https.
    #[garde(inner(inner(length(chars, max = 200), custom(is_website))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub website: Option<Option<String>>,
    /// Language and region (BCP 47), such as `de-CH`.
    #[garde(inner(inner(custom(is_locale))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub locale: Option<Option<String>>,
    /// Time zone by its name in the IANA database, such as `Europe/Zurich`.
    #[garde(inner(inner(custom(is_time_zone))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub time_zone: Option<Option<String>>,
    /// Whether others see the profile at all.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Whether they also see the e-mail address.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_email: Option<bool>,
    /// Whether they also see the location.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_location: Option<bool>,
}

/// A profile as others see it: what its owner lets them see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicProfile {
    /// Whose it is.
    pub user: UserId,
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Where they are, if they show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// A page of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Their address, if they show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where the picture is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// The query of `GET /api/v1/profiles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchProfiles {
    /// The beginning of a name or of a location that is shown, or a whole address that is shown; capitals do not matter.
    #[garde(length(chars, min = 2, max = 100), custom(valid::line))]
    #[param(min_length = 2, max_length = 100)]
    pub q: String,
    /// Rows at most, 50 at most. There is no second page: a longer text finds fewer.
    #[garde(range(min = 1, max = 50))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 50, default = 20)]
    pub limit: u32,
}

/// Names in the IANA time zone database, release 2025b, in the order of their bytes.
const TIME_ZONES: &str = include_str!("time_zones.txt");

/// Whether the IANA time zone database has this name.
fn is_time_zone(value: &str, _: &()) -> garde::Result {
    if TIME_ZONES.lines().any(|zone| zone == value) {
        return Ok(());
    }
    Err(garde::Error::new("not a time zone of the IANA database, such as Europe/Zurich"))
}

/// Language, script and region as BCP 47 writes them: `en`, `de-CH`, `zh-Hant-TW`, `es-419`.
fn is_locale(value: &str, _: &()) -> garde::Result {
    let all = |part: &str, is: fn(&u8) -> bool| part.as_bytes().iter().all(is);
    let mut parts = value.split('-').peekable();
    let language = parts.next().unwrap_or_default();
    let mut good = (2..=3).contains(&language.len()) && all(language, u8::is_ascii_lowercase);
    let is_script = |part: &&str| {
        part.len() == 4
            && all(&part[..1], u8::is_ascii_uppercase)
            && all(part.get(1..).unwrap_or_default(), u8::is_ascii_lowercase)
    };
    if parts.peek().is_some_and(|part| part.is_ascii() && is_script(part)) {
        parts.next();
    }
    if let Some(region) = parts.next() {
        good &= (region.len() == 2 && all(region, u8::is_ascii_uppercase))
            || (region.len() == 3 && all(region, u8::is_ascii_digit));
    }
    if good && parts.next().is_none() {
        return Ok(());
    }
    Err(garde::Error::new("not a language and region as BCP 47 writes them, such as en or de-CH"))
}

/// An address of the web: nothing that a browser would run, and nobody's password.
fn is_website(value: &str, _: &()) -> garde::Result {
    let bad = || garde::Error::new("must be a URL with http:// or https:// and a host, without a user name");
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://")).ok_or_else(bad)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad());
    }
    garde::rules::url::apply(&value, ()).map_err(|_| bad())
}

/// Sentences: not blank, and of control characters only line breaks and tabs.
fn is_bio(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

/// Tells a field that is null from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_of_the_database() {
        for good in ["Europe/Zurich", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(is_time_zone(good, &()).is_ok(), "{good}");
        }
        for bad in ["", "europe/zurich", "Europe/Bern", "Europe", "+02:00", "Europe/Zurich\n", "../UTC"] {
            assert!(is_time_zone(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_locale_is_language_script_and_region() {
        for good in ["en", "gsw", "de-CH", "zh-Hant", "zh-Hant-TW", "es-419"] {
            assert!(is_locale(good, &()).is_ok(), "{good}");
        }
        for bad in
            ["", "e", "EN", "de_CH", "de-ch", "de-CH-", "de-CH-x", "zh-hant", "en-Hänt", "englisch", "-"]
        {
            assert!(is_locale(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_website_is_nothing_that_a_browser_would_run() {
        for good in ["https://example.org", "http://example.org/~ada?x=1#top", "https://ex.org:8443/"] {
            assert!(is_website(good, &()).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.org",
            "example.org",
            "https://",
            "https:///path",
            "https://ada:secret@example.org",
            "https://exa mple.org",
            "https://example.org/\u{7}",
            "ftp://example.org",
        ] {
            assert!(is_website(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn neither_whose_it_is_nor_the_address_can_be_sent() {
        for field in ["user", "email", "roles", "avatar", "updatedAt", "profileId", "version"] {
            assert!(
                serde_json::from_str::<UpdateProfile>(&format!(r#"{{"{field}":"x"}}"#)).is_err(),
                "{field}"
            );
        }
    }
}
