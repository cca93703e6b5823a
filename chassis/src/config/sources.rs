//! Where values come from: the file `bowline.toml`, the environment, and the files that `..._FILE` variables name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fmt, fs, io};

use secrecy::ExposeSecret;
use toml::de::{DeTable, DeValue};

use super::names::FILE_SUFFIX;
use super::{ConfigError, ConfigErrors, Raw, Reference, SecretStore, Source, names};

/// The file that is read when no other is named, if it exists.
const DEFAULT_FILE: &str = "bowline.toml";

/// Everything that was given to the process, before anybody asks for a setting. `Debug` shows no values.
pub struct Sources {
    /// What the file is called in messages.
    pub(super) file: String,
    pub(super) tree: BTreeMap<String, Node>,
    /// `None` is a variable whose value is not UTF-8.
    variables: BTreeMap<String, Option<String>>,
    pub(super) broken: Option<ConfigError>,
    text: Text,
    /// Where secrets are taken from whose settings are references.
    pub(super) store: Option<Arc<dyn SecretStore>>,
}

/// Where the text of TOML is from.
#[derive(Clone)]
enum Text {
    Given(String),
    File {
        path: PathBuf,
        /// Whether it was named, and so must be there.
        must_exist: bool,
    },
}

/// From where sources can be read again: the same file with what it holds then, the same variables, and the files that they
/// name. `Debug` shows no values.
#[derive(Clone)]
pub struct Origin {
    file: String,
    text: Text,
    variables: BTreeMap<String, Option<String>>,
}

impl Origin {
    /// Reads again.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not TOML.
    pub fn read(&self) -> Result<Sources, ConfigErrors> {
        let text = match &self.text {
            Text::Given(text) => text.clone(),
            Text::File { path, must_exist } => read_file(path, *must_exist)?,
        };
        let sources = Sources::of(self.file.clone(), &text, self.variables.clone(), self.text.clone());
        match sources.broken {
            Some(error) => Err(ConfigErrors { errors: vec![error] }),
            None => Ok(sources),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Origin").field("file", &self.file).finish_non_exhaustive()
    }
}

fn read_file(path: &Path, must_exist: bool) -> Result<String, ConfigErrors> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if !must_exist && error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            let name = path.display();
            let error =
                ConfigError::general(format!("the configuration file {name} cannot be read: {error}"));
            Err(ConfigErrors { errors: vec![error] })
        }
    }
}

/// A key of the file.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) content: Content,
}

/// What a key of the file holds.
pub(super) enum Content {
    Value(Raw),
    Table(BTreeMap<String, Node>),
}

/// A value and where it came from.
pub(super) struct Found {
    pub(super) raw: Raw,
    pub(super) source: Source,
}

impl Sources {
    /// Reads the file and the process environment: `file`, which must exist, or else `./bowline.toml` if there is one.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not TOML.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigErrors> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
            .collect();
        Self::at(path, file.is_some(), variables)
    }

    /// Reads a file, which must exist, with these variables and no others: for tests of what is read again.
    ///
    /// # Errors
    ///
    /// As [`Sources::read`].
    pub fn from_file<N, V>(
        file: &Path,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigErrors>
    where
        N: Into<String>,
        V: Into<String>,
    {
        Self::at(file, true, owned(variables))
    }

    fn at(
        path: &Path,
        must_exist: bool,
        variables: BTreeMap<String, Option<String>>,
    ) -> Result<Self, ConfigErrors> {
        let text = Text::File { path: path.to_owned(), must_exist };
        Origin { file: path.display().to_string(), text, variables }.read()
    }

    /// From where they can be read again.
    pub fn origin(&self) -> Origin {
        Origin { file: self.file.clone(), text: self.text.clone(), variables: self.variables.clone() }
    }

    /// Sources from a text of TOML and variables, for tests. A syntax error is reported by
    /// [`Loader::finish`](super::Loader::finish).
    pub fn from_parts<N, V>(toml: Option<&str>, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let text = toml.unwrap_or_default();
        Self::new(DEFAULT_FILE.to_owned(), text, owned(variables))
    }

    pub(super) fn new(file: String, text: &str, variables: BTreeMap<String, Option<String>>) -> Self {
        Self::of(file, text, variables, Text::Given(text.to_owned()))
    }

    fn of(file: String, text: &str, variables: BTreeMap<String, Option<String>>, from: Text) -> Self {
        let (tree, broken) = match DeTable::parse(text) {
            Ok(table) => (nodes(text, table.into_inner()), None),
            Err(error) => {
                // The message of the library; its `Display` would print the line, which may hold a secret.
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                let message = format!("{file}, line {line} is not TOML: {}", error.message());
                (BTreeMap::new(), Some(ConfigError::general(message)))
            }
        };
        Self { file, tree, variables, broken, text: from, store: None }
    }

    /// The strongest value for a setting: secret files before variables before the file; `variables` strongest first.
    ///
    /// `_FILE` is not looked for where that is itself one of the `declared` variables.
    pub(super) fn find(
        &self,
        section: &str,
        field: &str,
        variables: &[String],
        declared: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Found>, String> {
        for variable in variables {
            let variable = format!("{variable}{FILE_SUFFIX}");
            if let Some(path) = self.variables.get(&variable).filter(|_| !declared(&variable)) {
                let raw = Raw::Text(read_secret(&variable, path.as_deref())?);
                return Ok(Some(Found { raw, source: Source::SecretFile { variable } }));
            }
        }
        for variable in variables {
            if let Some(value) = self.variables.get(variable) {
                let value = value.clone().ok_or_else(|| format!("is not UTF-8 in {variable}"))?;
                let source = Source::Environment { variable: variable.clone() };
                return Ok(Some(Found { raw: Raw::Text(value), source }));
            }
        }
        Ok(self.in_file(section, field))
    }

    fn in_file(&self, section: &str, field: &str) -> Option<Found> {
        let table = if section.is_empty() {
            &self.tree
        } else {
            match &self.tree.get(section)?.content {
                Content::Table(table) => table,
                Content::Value(_) => return None,
            }
        };
        let node = table.get(field)?;
        let raw = match &node.content {
            Content::Value(raw) => raw.clone(),
            Content::Table(_) => Raw::Other("a table"),
        };
        Some(Found { raw, source: Source::File { name: self.file.clone(), line: node.line } })
    }

    /// What was found of a secret, with a reference replaced by what it refers to.
    pub(super) fn resolve(&self, found: Found) -> Result<Found, String> {
        let Some(reference) = found.raw.text().and_then(Reference::parse) else { return Ok(found) };
        let reference = reference.map_err(|wrong| format!("{wrong} ({})", found.source))?;
        let by = &found.source;
        let store = self.store.as_ref();
        let store = store.ok_or_else(|| format!("cannot itself stand in a store ({reference}, {by})"))?;
        let secret = store
            .secret(&reference)
            .map_err(|why| format!("cannot be read from Vault: {why} ({reference}, {by})"))?;
        let source = Source::Stored { reference: reference.to_string(), by: Box::new(found.source) };
        Ok(Found { raw: Raw::Text(secret.expose_secret().to_owned()), source })
    }

    /// The names of the variables that claim to be settings of the platform.
    pub(super) fn claimed(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str).filter(|name| names::is_ours(name))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").field("file", &self.file).finish_non_exhaustive()
    }
}

fn owned<N: Into<String>, V: Into<String>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> BTreeMap<String, Option<String>> {
    variables.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect()
}

/// The contents of the file that `variable` names, without the newline at its end.
fn read_secret(variable: &str, path: Option<&str>) -> Result<String, String> {
    let path = path.ok_or_else(|| format!("is not UTF-8 in {variable}"))?;
    if path.is_empty() {
        return Err(format!("has an empty {variable}: name a file, or leave the variable out"));
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(format!("cannot be read from the file {path} that {variable} names: {error}")),
    }
}

fn nodes(text: &str, table: DeTable<'_>) -> BTreeMap<String, Node> {
    let node = |(key, value): (toml::Spanned<_>, toml::Spanned<DeValue<'_>>)| {
        let line = line_of(text, key.span().start);
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        let content = match value.into_inner() {
            DeValue::Table(table) => Content::Table(nodes(text, table)),
            other => Content::Value(raw(other)),
        };
        (key.into_owned(), Node { line, content })
    };
    table.into_iter().map(node).collect()
}

fn raw(value: DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a whole number beyond all bounds"), Raw::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Raw::Other("a number beyond all bounds"), Raw::Float)
        }
        DeValue::Boolean(flag) => Raw::Boolean(flag),
        DeValue::Array(items) => Raw::List(items.into_iter().map(|item| raw(item.into_inner())).collect()),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

/// The line of a byte of the text, counted from 1.
fn line_of(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
}
