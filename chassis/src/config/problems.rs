//! What is wrong with a configuration, collected so that a person can mend all of it in one go.

use std::fmt;
use std::ops::RangeInclusive;

use secrecy::{ExposeSecret, SecretString};

use super::Mode;
use super::secrets::{SHORTEST, placeholder};

/// What a section's [`Validate`](super::Validate) finds wrong with its values.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
}

/// One value that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the field inside its section.
    pub field: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Problems {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem with `field`; the message continues the setting's name: "must be ...", "is ...".
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.list.push(Problem { field: field.to_owned(), message: message.into() });
    }

    /// Demands that a number lies in a range.
    pub fn range<T: PartialOrd + fmt::Display>(&mut self, field: &str, value: T, allowed: RangeInclusive<T>) {
        if !allowed.contains(&value) {
            let message = format!("must be from {} to {}, not {value}", allowed.start(), allowed.end());
            self.add(field, message);
        }
    }

    /// Demands that a secret is fit for the mode: in production it is there, has 32 characters and does not look like a
    /// placeholder; in development it is absent or not empty.
    pub fn secret(&mut self, field: &str, secret: Option<&SecretString>, mode: Mode) {
        let wrong = match (secret.map(ExposeSecret::expose_secret), mode) {
            (Some(text), _) if text.trim().is_empty() => Some("is empty"),
            (_, Mode::Development) => None,
            (None, Mode::Production) => Some("is not set"),
            (Some(text), Mode::Production) if text.chars().count() < SHORTEST => Some("is too short"),
            (Some(text), Mode::Production) => placeholder(text),
        };
        match (wrong, mode) {
            (None, _) => {}
            (Some(wrong), Mode::Development) => {
                self.add(field, format!("{wrong}: leave it out or give it a value"))
            }
            (Some(wrong), Mode::Production) => {
                let remedy = "`openssl rand -base64 48` makes one";
                let message =
                    format!("{wrong}: production needs {SHORTEST} random characters or more ({remedy})");
                self.add(field, message);
            }
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
}

/// One error in the configuration, ready to be read by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting's name, such as `http.port`; none when the error is about a file or an unknown variable.
    pub setting: Option<String>,
    /// The variables that set it.
    pub variables: Vec<String>,
    /// What is wrong, where the value came from, and what is allowed.
    pub message: String,
}

impl ConfigError {
    /// An error that is not about one declared setting.
    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { setting: None, variables: Vec::new(), message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.setting {
            Some(setting) if self.variables.is_empty() => write!(formatter, "{setting} {}", self.message),
            Some(setting) => {
                write!(formatter, "{setting} ({}) {}", self.variables.join(" or "), self.message)
            }
            None => formatter.write_str(&self.message),
        }
    }
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// At least one error.
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() {
            1 => writeln!(formatter, "the configuration has an error:")?,
            count => writeln!(formatter, "the configuration has {count} errors:")?,
        }
        for (index, error) in self.errors.iter().enumerate() {
            writeln!(formatter, "  {}. {error}", index + 1)?;
        }
        formatter.write_str("`bowline config print` shows every setting; docs/config.md explains them")
    }
}

impl std::error::Error for ConfigErrors {}
