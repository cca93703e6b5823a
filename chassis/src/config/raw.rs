//! A value before it has a type.

use std::fmt;

use super::names::nearest;
use super::secrets::mask_url;

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
                let masked = mask_url(text);
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
