//! Reads section after section from the sources, and in the end reports everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::names::{self, FILE_SUFFIX, PREFIX, nearest};
use super::problems::{ConfigError, ConfigErrors, Problems};
use super::reader::variables;
use super::sources::{Content, Node};
use super::{
    Entry, Field, Loaded, Mode, SecretStore, SectionDoc, SectionReader, Settings, Source, Sources, Value,
};

/// Loads a configuration. All sections that exist must be asked for, also those of services that do not run here,
/// because whatever is left over is reported as unknown.
pub struct Loader {
    sources: Sources,
    mode: Mode,
    sections: Vec<SectionDoc>,
    entries: Vec<Entry>,
    errors: Vec<ConfigError>,
}

impl Loader {
    /// A loader for a known mode.
    pub fn new(sources: Sources, mode: Mode) -> Self {
        let errors = sources.broken.clone().into_iter().collect();
        Self { sources, mode, sections: Vec::new(), entries: Vec::new(), errors }
    }

    /// A loader that takes the mode from the root section, which it reads first.
    pub fn with_root<R: Settings>(sources: Sources, mode: impl FnOnce(&R) -> Mode) -> (Self, R) {
        let mut loader = Self::new(sources, Mode::Development);
        let root: R = loader.read("");
        loader.mode = mode(&root);
        loader.validate("", &root);
        (loader, root)
    }

    /// Takes secrets whose settings are references from a store, in all sections that are asked for from now on.
    pub fn resolve_with(&mut self, store: Arc<dyn SecretStore>) {
        self.sources.store = Some(store);
    }

    /// How strict the sections are validated.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Reads and validates a section. What is wrong is told by [`Loader::finish`]; until then the defaults stand in.
    pub fn section<S: Settings>(&mut self, name: &str) -> S {
        let settings = self.read(name);
        self.validate(name, &settings);
        settings
    }

    /// Reads a section of optional texts whose names are known when the process starts, such as the addresses of peers.
    /// The result holds those that are set.
    pub fn map(&mut self, name: &str, doc: &str, keys: &[&str]) -> BTreeMap<String, String> {
        let fields: Vec<Field> = keys.iter().map(|key| Field::of(key, doc, &None::<String>, None)).collect();
        let mut reader = SectionReader::new(&self.sources, name, &fields);
        let read = |key: &&str| Some(((*key).to_owned(), reader.value::<Option<String>>(key, None)?));
        let map = keys.iter().filter_map(read).collect();
        self.entries.append(&mut reader.entries);
        self.errors.append(&mut reader.errors);
        self.sections.push(SectionDoc::map(name, doc, keys));
        map
    }

    /// Reads a section of values of one type whose names are known when the process starts, such as flags: each with its
    /// name, what it is for, and its default.
    pub fn table<T: Value + Clone>(
        &mut self,
        name: &str,
        doc: &str,
        keys: &[(&str, &str, T)],
    ) -> BTreeMap<String, T> {
        let field = |(key, about, default): &(&str, &str, T)| Field::of(key, about, default, None);
        let section = SectionDoc::table(name, doc, keys.iter().map(field).collect());
        let mut reader = SectionReader::new(&self.sources, name, &section.fields);
        let read =
            |(key, _, default): &(&str, &str, T)| ((*key).to_owned(), reader.value(key, default.clone()));
        let table = keys.iter().map(read).collect();
        self.entries.append(&mut reader.entries);
        self.errors.append(&mut reader.errors);
        self.sections.push(section);
        table
    }

    /// Reads and validates the section of a service, which has its name. That of something else cannot be it too.
    pub fn section_of_service<S: Settings>(&mut self, service: &str) -> S {
        let root = self.sections.iter().filter(|section| section.name.is_empty());
        let is_root_key = root.flat_map(|section| &section.fields).any(|field| field.name == service);
        let taken = match self.sections.iter().any(|section| section.name == service) {
            true => Some(format!("the section of settings [{service}]")),
            false => is_root_key.then(|| format!("the setting `{service}`")),
        };
        if let Some(taken) = taken {
            self.errors.push(ConfigError::general(format!(
                "a service cannot be named `{service}`: its settings would be in the section of that name, and {taken} \
                 belongs to something else"
            )));
        }
        self.section(service)
    }

    /// What has been read so far, for the reference.
    pub fn sections(&self) -> &[SectionDoc] {
        &self.sections
    }

    /// Ends the loading.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, names that nothing declares included.
    pub fn finish(mut self) -> Result<Loaded, ConfigErrors> {
        let unknown = self.unknown_keys().into_iter().chain(self.unknown_variables());
        let unknown: Vec<ConfigError> = unknown.map(ConfigError::general).collect();
        self.errors.extend(unknown);
        if !self.errors.is_empty() {
            return Err(ConfigErrors { errors: self.errors });
        }
        // The keys of the root come first in TOML.
        self.entries.sort_by_key(|entry| !entry.section.is_empty());
        Ok(Loaded { entries: self.entries })
    }

    /// Ends the loading of some sections: what the others hold was judged before.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the sections that were asked for.
    pub fn finish_part(mut self) -> Result<(), ConfigErrors> {
        let asked: BTreeSet<String> = self.sections.iter().map(|section| section.name.clone()).collect();
        self.sources.tree.retain(|key, _| asked.contains(key));
        let unknown: Vec<ConfigError> = self.unknown_keys().into_iter().map(ConfigError::general).collect();
        self.errors.extend(unknown);
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigErrors { errors: self.errors }) }
    }

    fn read<S: Settings>(&mut self, name: &str) -> S {
        let doc = SectionDoc::of::<S>(name);
        let mut reader = SectionReader::new(&self.sources, name, &doc.fields);
        let settings = S::read(&mut reader);
        self.entries.append(&mut reader.entries);
        self.errors.append(&mut reader.errors);
        self.sections.push(doc);
        settings
    }

    fn validate<S: Settings>(&mut self, section: &str, settings: &S) {
        let mut problems = Problems::new();
        settings.validate(self.mode, &mut problems);
        for problem in problems.iter() {
            let setting = names::setting(section, &problem.field);
            // A value that could not be read was replaced by the default, about which nothing needs to be said.
            if self.errors.iter().any(|error| error.setting.as_ref() == Some(&setting)) {
                continue;
            }
            let entry =
                self.entries.iter().find(|entry| entry.section == section && entry.field == problem.field);
            let message = match entry.map(|entry| &entry.source) {
                Some(Source::Default) | None => problem.message.clone(),
                Some(source) => format!("{} ({source})", problem.message),
            };
            let variables = entry.map(|entry| entry.variables.clone()).unwrap_or_default();
            self.errors.push(ConfigError { setting: Some(setting), variables, message });
        }
    }

    fn unknown_keys(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        let root = self.sections.iter().find(|doc| doc.name.is_empty());
        let is_field = |doc: Option<&SectionDoc>, key: &str| {
            doc.is_some_and(|doc| doc.fields.iter().any(|field| field.name == key))
        };
        for (key, node) in &self.sources.tree {
            let section = self.sections.iter().find(|doc| !doc.name.is_empty() && doc.name == *key);
            match (&node.content, section) {
                (Content::Table(table), Some(_)) => {
                    let keys = table.iter().filter(|(field, _)| !is_field(section, field));
                    unknown.extend(keys.map(|(field, node)| self.unknown_key(key, field, node)));
                }
                (Content::Value(_), Some(_)) => {
                    let place = self.place(node);
                    unknown.push(format!(
                        "`{key}` {place} is a section: write `[{key}]` and its settings below"
                    ));
                }
                (_, None) if is_field(root, key) => {}
                (Content::Value(_), None) => unknown.push(self.unknown_key("", key, node)),
                (Content::Table(_), None) => {
                    let known =
                        self.sections.iter().map(|doc| doc.name.as_str()).filter(|name| !name.is_empty());
                    let hint = hint(nearest(key, known).map(|near| format!("[{near}]")));
                    unknown.push(format!(
                        "unknown section `[{}]` {}{hint}",
                        key.escape_debug(),
                        self.place(node)
                    ));
                }
            }
        }
        unknown
    }

    fn unknown_key(&self, section: &str, field: &str, node: &Node) -> String {
        let near = names::meant(&self.sections, section, field)
            .map(|(section, field)| names::setting(section, field));
        let name = names::setting(section, field);
        format!("unknown setting `{}` {}{}", name.escape_debug(), self.place(node), hint(near))
    }

    fn place(&self, node: &Node) -> String {
        format!("in {}, line {}", self.sources.file, node.line)
    }

    fn unknown_variables(&self) -> Vec<String> {
        let fields = self.sections.iter().flat_map(|doc| doc.fields.iter().map(move |field| (doc, field)));
        let known: BTreeSet<String> = fields.flat_map(|(doc, field)| variables(&doc.name, field)).collect();
        let is_known = |variable: &str| {
            known.contains(variable)
                || variable.strip_suffix(FILE_SUFFIX).is_some_and(|base| known.contains(base))
        };
        let unknown = self.sources.claimed().filter(|variable| !is_known(variable));
        unknown
            .map(|variable| format!("unknown variable {}{}", variable.escape_debug(), self.meant(variable)))
            .collect()
    }

    fn meant(&self, variable: &str) -> String {
        let (base, suffix) = match variable.strip_suffix(FILE_SUFFIX) {
            Some(base) => (base, FILE_SUFFIX),
            None => (variable, ""),
        };
        let name = base.trim_start_matches(PREFIX).to_ascii_lowercase();
        let (section, field) = name.split_once("__").unwrap_or(("", &name));
        let near = names::meant(&self.sections, section, field);
        match near.map(|(section, field)| format!("{}{suffix}", names::variable(section, field))) {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        }
    }
}

fn hint(near: Option<String>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
