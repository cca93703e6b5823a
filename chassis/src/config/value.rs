//! The types that a setting can have: how each is read from the file or the environment and written back.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::Raw;
use super::secrets::{is_masked, mask_secret, mask_userinfo};

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
            Some(text) if is_masked(text) => {
                Err("is the mask that `bowline config print` shows, not the secret".to_owned())
            }
            Some(text) => Ok(Self::from(text)),
            None => Err("must be a text in quotes".to_owned()),
        }
    }

    fn render(&self) -> String {
        let secret = self.expose_secret();
        if secret.is_empty() { quoted("") } else { quoted(&mask_secret(secret)) }
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
