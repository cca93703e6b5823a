//! What was loaded and from where, for `bowline config print`.

use std::fmt;

use super::names;

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// The file as it was named.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A file that a variable of the environment names.
    SecretFile {
        /// The name of the variable.
        variable: String,
    },
    /// A store, because of a reference that stands where a value would.
    Stored {
        /// The reference.
        reference: String,
        /// Where it stands.
        by: Box<Source>,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { name, line } => write!(formatter, "from {name}, line {line}"),
            Self::Environment { variable } => write!(formatter, "from {variable}"),
            Self::SecretFile { variable } => write!(formatter, "from the file that {variable} names"),
            Self::Stored { reference, by } => write!(formatter, "{reference}, {by}"),
        }
    }
}

/// One setting as it was loaded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The section; empty for the root.
    pub section: String,
    /// The name inside the section.
    pub field: String,
    /// The variables that set it, the familiar one first.
    pub variables: Vec<String>,
    /// The value as TOML, masked when it is secret.
    pub value: String,
    /// The default as TOML.
    pub default: String,
    /// Where the value came from.
    pub source: Source,
    /// What the setting is for.
    pub doc: String,
}

impl Entry {
    /// The name as people see it, such as `http.port`.
    pub fn name(&self) -> String {
        names::setting(&self.section, &self.field)
    }
}

/// A configuration without errors, as it can be shown: secrets are masked already.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every setting, section by section, the root first.
    pub entries: Vec<Entry>,
}

impl Loaded {
    /// The configuration as TOML; the comment on each line tells where the value came from.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for entry in &self.entries {
            if entry.section != section {
                section = &entry.section;
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&format!("[{section}]\n"));
            }
            text.push_str(&format!("{} = {}  # {}\n", entry.field, entry.value, entry.source));
        }
        text
    }
}
