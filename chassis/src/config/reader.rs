//! Reads the settings of one section.

use super::{ConfigError, Entry, Field, Source, Sources, Value, names};

/// What a section's [`Settings::read`](super::Settings::read) takes its values from. Made by
/// [`Loader::section`](super::Loader::section).
pub struct SectionReader<'a> {
    sources: &'a Sources,
    section: &'a str,
    fields: &'a [Field],
    pub(super) entries: Vec<Entry>,
    pub(super) errors: Vec<ConfigError>,
}

impl<'a> SectionReader<'a> {
    pub(super) fn new(sources: &'a Sources, section: &'a str, fields: &'a [Field]) -> Self {
        Self { sources, section, fields, entries: Vec::new(), errors: Vec::new() }
    }

    /// Reads the declared setting `field`, or records what is wrong with it and returns the default.
    pub fn value<T: Value>(&mut self, field: &str, default: T) -> T {
        let field = field.trim_start_matches("r#");
        let Some(field) = self.fields.iter().find(|declared| declared.name == field) else {
            self.errors
                .push(ConfigError::general(format!("{field} is read but not declared in {}", self.section)));
            return default;
        };
        let by_rule = names::variable(self.section, &field.name);
        let lookup: Vec<String> = [by_rule].into_iter().chain(field.familiar.map(str::to_owned)).collect();
        let declared = |variable: &str| {
            let is = |other: &Field| other.familiar == Some(variable);
            self.fields
                .iter()
                .any(|other| is(other) || names::variable(self.section, &other.name) == variable)
        };
        let found = self.sources.find(self.section, &field.name, &lookup, &declared);
        let found = found.and_then(|found| match found {
            Some(found) if T::SECRET => self.sources.resolve(found).map(Some),
            found => Ok(found),
        });
        let found = match found {
            Ok(found) => found,
            Err(message) => {
                self.fail(field, message);
                None
            }
        };
        let (value, source) = match found {
            None => (default, Source::Default),
            Some(found) => match T::parse(&found.raw) {
                Ok(value) => (value, found.source),
                Err(allowed) => {
                    let given =
                        if T::SECRET { String::new() } else { format!(", not {}", found.raw.shown()) };
                    self.fail(field, format!("{allowed}{given} ({})", found.source));
                    (default, Source::Default)
                }
            },
        };
        self.entries.push(Entry {
            section: self.section.to_owned(),
            field: field.name.clone(),
            variables: variables(self.section, field),
            value: value.render(),
            default: field.default.clone(),
            source,
            doc: field.doc.clone(),
        });
        value
    }

    fn fail(&mut self, field: &Field, message: String) {
        self.errors.push(ConfigError {
            setting: Some(names::setting(self.section, &field.name)),
            variables: variables(self.section, field),
            message,
        });
    }
}

/// The variables that set a field, the familiar one first.
pub(super) fn variables(section: &str, field: &Field) -> Vec<String> {
    field.familiar.map(str::to_owned).into_iter().chain([names::variable(section, &field.name)]).collect()
}
