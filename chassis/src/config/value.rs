//! The types that a setting can have: how each is read from the file or the environment and written back.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::names::nearest;
use super::secrets::{MASK, mask_userinfo};

/// A type that a setting can have.
///
/// An implementation's error says what is allowed ("must be a whole number from 0 to 65535") and does not repeat the
/// value: the reader adds it when it is no secret.
pub trait Value: Sized {
    /// What may be written, in words, for the reference.
    const KIND: &'static str;

    /// Whether a value of this type is never shown.
    const SECRET: bool = false;

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// What would be allowed, when `raw` is not.
    fn parse(raw: &Raw) -> Result<Self, String>;

    /// The value as one line of TOML, masked when it is secret. `""` stands for "not set".
    fn render(&self) -> String;

    /// [`Value::KIND`], spelt out for types made of others.
    fn kind() -> String {
        Self::KIND.to_owned()
    }
}

/// A value as somebody wrote it, before it has a type. Its `Debug` shows the kind only, since it may be a secret.
#[derive(Clone, PartialEq)]
pub enum Raw {
    /// A text: anything from the environment or a secret file, or a string of the file.
    Text(String),
    /// A whole number of the file.
    Integer(i128),
    /// A number of the file.
    Float(f64),
    /// `true` or `false` of the file.
    Boolean(bool),
    /// An array of the file.
    List(Vec<Raw>),
    /// Anything else of the file, which no setting accepts: what it is, in words.
    Other(&'static str),
}

impl fmt::Debug for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Raw({})", self.what())
    }
}

impl Raw {
    /// What it is, in words.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Other(what) => what,
        }
    }

    /// The text, when it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The place in `choices` of the text, for [`setting_enum!`](crate::config::setting_enum).
    ///
    /// # Errors
    ///
    /// The choices, and the nearest one, when it is none of them.
    pub fn choice(&self, choices: &[&str]) -> Result<usize, String> {
        let text = self.text().unwrap_or_default().trim();
        choices.iter().position(|choice| choice.eq_ignore_ascii_case(text)).ok_or_else(|| {
            let allowed = choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
            match nearest(text, choices.iter().copied()) {
                Some(near) => format!("must be one of {allowed} (did you mean `{near}`?)"),
                None => format!("must be one of {allowed}"),
            }
        })
    }

    /// The value for people, for an error about a setting that is no secret.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => {
                let masked = mask_userinfo(text);
                let mut short: String = masked.chars().take(80).flat_map(char::escape_debug).collect();
                if masked.chars().nth(80).is_some() {
                    short.push_str("...");
                }
                format!("`{short}`")
            }
            Self::Integer(number) => format!("`{number}`"),
            Self::Float(number) => format!("`{number}`"),
            Self::Boolean(flag) => format!("`{flag}`"),
            Self::List(_) | Self::Other(_) => self.what().to_owned(),
        }
    }
}

/// A TOML basic string, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(other))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl Value for bool {
    const KIND: &'static str = "true or false";

    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Boolean(flag) => Some(*flag),
            Raw::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| "must be `true` or `false`".to_owned())
    }

    fn render(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($type:ty => $kind:literal, $allowed:literal;)*) => { $(
        impl Value for $type {
            const KIND: &'static str = $kind;

            fn parse(raw: &Raw) -> Result<Self, String> {
                match raw {
                    Raw::Integer(number) => Self::try_from(*number).ok(),
                    Raw::Text(text) => text.trim().parse().ok(),
                    _ => None,
                }
                .ok_or_else(|| $allowed.to_owned())
            }

            fn render(&self) -> String {
                // TOML's integers end where i64 does; a text is read as a number too.
                if i64::try_from(*self).is_ok() { self.to_string() } else { format!("\"{self}\"") }
            }
        }
    )* };
}

whole_number! {
    u16 => "whole number up to 65535", "must be a whole number from 0 to 65535";
    u32 => "whole number", "must be a whole number from 0 to 4294967295";
    u64 => "whole number", "must be a whole number from 0 to 18446744073709551615";
    usize => "whole number", "must be a whole number, 0 or more";
    i64 => "whole number, also negative", "must be a whole number";
}

impl Value for f64 {
    const KIND: &'static str = "number";

    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Float(number) => Some(*number),
            // Whoever writes 3 for a share or a factor means 3.0; no setting needs more than 53 bits.
            Raw::Integer(number) => number.to_string().parse().ok(),
            Raw::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| "must be a number".to_owned())
    }

    fn render(&self) -> String {
        format!("{self:?}")
    }
}

impl Value for String {
    const KIND: &'static str = "text";

    fn parse(raw: &Raw) -> Result<Self, String> {
        raw.text().map(str::to_owned).ok_or_else(|| "must be a text in quotes".to_owned())
    }

    fn render(&self) -> String {
        quoted(&mask_userinfo(self))
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "path";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text().filter(|text| !text.trim().is_empty());
        text.map(Self::from).ok_or_else(|| "must be a path".to_owned())
    }

    fn render(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl Value for IpAddr {
    const KIND: &'static str = "IP address";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let address = raw.text().and_then(|text| text.trim().parse().ok());
        address.ok_or_else(|| "must be an IP address such as `127.0.0.1` or `::`".to_owned())
    }

    fn render(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for IpNet {
    const KIND: &'static str = "network";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let network = raw.text().map(str::trim).and_then(|text| {
            // One address is a network of itself.
            text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(Self::from))
        });
        network.ok_or_else(|| "must be a network such as `10.0.0.0/8`, or one IP address".to_owned())
    }

    fn render(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for SecretString {
    const KIND: &'static str = "secret";
    const SECRET: bool = true;

    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw.text() {
            Some(MASK) => Err("is the mask that `bowline config print` shows, not the secret".to_owned()),
            Some(text) => Ok(Self::from(text)),
            None => Err("must be a text in quotes".to_owned()),
        }
    }

    fn render(&self) -> String {
        if self.expose_secret().is_empty() { quoted("") } else { quoted(MASK) }
    }
}

impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const SECRET: bool = T::SECRET;

    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw.text() {
            Some(text) if text.trim().is_empty() => Ok(None),
            _ => T::parse(raw).map(Some),
        }
    }

    fn render(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), T::render)
    }

    fn kind() -> String {
        T::kind()
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = "list";
    const SECRET: bool = T::SECRET;

    fn parse(raw: &Raw) -> Result<Self, String> {
        let texts: Vec<Raw>;
        let items = match raw {
            Raw::List(items) => items,
            Raw::Text(text) if text.trim().is_empty() => return Ok(Self::new()),
            Raw::Text(text) => {
                texts = text.split(',').map(|item| Raw::Text(item.trim().to_owned())).collect();
                &texts
            }
            _ => {
                return Err(
                    "must be a list: `a,b` in the environment, `[\"a\", \"b\"]` in the file".to_owned()
                );
            }
        };
        let parsed = items.iter().enumerate().map(|(index, item)| match item.text() {
            Some("") => Err(format!("has nothing as item {}", index + 1)),
            _ => T::parse(item).map_err(|allowed| format!("has a wrong item {}, which {allowed}", index + 1)),
        });
        parsed.collect()
    }

    fn render(&self) -> String {
        format!("[{}]", self.iter().map(T::render).collect::<Vec<_>>().join(", "))
    }

    fn kind() -> String {
        format!("list of: {}", T::kind())
    }
}
