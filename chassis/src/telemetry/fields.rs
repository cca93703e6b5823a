//! The fields of a span or an event, in the order in which they were recorded, as text that either format can write.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::ops::Range;
use tracing::field::{Field, Visit};

/// Recorded fields: one text for all of them, so that a span costs two allocations and not two a field.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    text: Range<usize>,
    bare: bool,
}

/// The text of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// A number or a boolean, as JSON writes it too.
    Bare(&'a str),
    /// Any text.
    Quoted(&'a str),
}

impl<'a> Text<'a> {
    pub(super) const fn as_str(self) -> &'a str {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
        }
    }
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(entry, _)| *entry == name).map(|(_, text)| text.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Text<'_>)> {
        self.entries.iter().map(|entry| {
            let text = self.text.get(entry.text.clone()).unwrap_or_default();
            (entry.name, if entry.bare { Text::Bare(text) } else { Text::Quoted(text) })
        })
    }

    /// A later value of the same field replaces the earlier one.
    fn push(&mut self, field: &Field, bare: bool, value: fmt::Arguments<'_>) {
        let start = self.text.len();
        if self.text.write_fmt(value).is_err() {
            self.text.push_str("(cannot be shown)");
        }
        let text = start..self.text.len();
        match self.entries.iter_mut().find(|entry| entry.name == field.name()) {
            Some(entry) => (entry.text, entry.bare) = (text, bare),
            None => self.entries.push(Entry { name: field.name(), text, bare }),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.is_finite(), format_args!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, true, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, true, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, true, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, false, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.push(field, false, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, false, format_args!("{value:?}"));
    }
}

/// An error and its causes on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
