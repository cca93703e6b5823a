//! The reference of all settings as Markdown, made from their declarations, so that it cannot differ from the code.

use super::reader::variables;
use super::settings::one_line;
use super::{Field, Settings, names};

/// A section of the reference.
#[derive(Clone, Debug)]
pub struct SectionDoc {
    /// The name in the file; empty for the root.
    pub name: String,
    /// The heading.
    pub title: String,
    /// What more there is to say about the section.
    pub about: String,
    /// Its settings.
    pub fields: Vec<Field>,
}

impl SectionDoc {
    /// The section that `S` declares.
    pub fn of<S: Settings>(name: &str) -> Self {
        let about = S::about().trim().split_once('\n').map(|(_, rest)| one_line(rest)).unwrap_or_default();
        Self { name: name.to_owned(), title: S::title().to_owned(), about, fields: S::fields() }
    }

    /// A section of values of one type; see [`Loader::table`](super::Loader::table). The first sentence of its doc is the title.
    pub fn table(name: &str, doc: &str, fields: Vec<Field>) -> Self {
        let (title, about) = doc.split_once(". ").unwrap_or((doc, ""));
        Self { name: name.to_owned(), title: title.to_owned(), about: about.to_owned(), fields }
    }

    /// A section of optional texts; see [`Loader::map`](super::Loader::map).
    pub fn map(name: &str, doc: &str, keys: &[&str]) -> Self {
        let fields = keys.iter().map(|key| Field::of(key, doc, &None::<String>, None)).collect();
        let title = one_line(doc).trim_end_matches('.').to_owned();
        Self { name: name.to_owned(), title, about: String::new(), fields }
    }
}

const INTRODUCTION: &str = "\
# Configuration

Made from the code; do not edit. Everything has a default, so nothing needs to be set on a developer's machine.

- **Layers**, each stronger than the one before: built-in defaults, the file `bowline.toml` (or the one that `--config`
  names), variables of the environment, secret files.
- **Names**: the setting `port` of the section `http` is `http.port` in messages, `port` under `[http]` in the file, and
  the variable `BOWLINE_HTTP__PORT` (two underscores between section and setting; none for settings outside a section:
  `BOWLINE_MODE`). Some have a familiar variable as well, such as `PORT`; the one with the prefix is stronger.
- **Secret files**: any variable with `_FILE` added names a file that holds the value, as Docker and Kubernetes mount
  secrets: `BOWLINE_HTTP__PORT_FILE=/run/secrets/port`. A newline at its end does not count.
- **Lists** are `a,b` in a variable and `[\"a\", \"b\"]` in the file. An empty value of an optional setting means not set.
- **Errors**: a name that nothing knows, a value of the wrong type and a value out of range are all told at once, and the
  process does not start. `bowline config check` tells them without starting; `bowline config print` shows every value
  and where it came from, with secrets masked.
- **Production** (`BOWLINE_MODE=production`) refuses secrets that are missing, shorter than 32 characters or look like a
  placeholder.
";

/// The reference of the given sections as Markdown: an introduction, and a table for each section.
pub fn reference(sections: &[SectionDoc]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections {
        text.push_str(&format!("\n## {}", section.title));
        if !section.name.is_empty() {
            text.push_str(&format!(" `[{}]`", section.name));
        }
        text.push('\n');
        if !section.about.is_empty() {
            text.push_str(&format!("\n{}\n", section.about));
        }
        text.push_str(
            "\n| setting | variable | type | default | what for |\n| --- | --- | --- | --- | --- |\n",
        );
        for field in &section.fields {
            text.push_str(&row(section, field));
        }
    }
    text
}

fn row(section: &SectionDoc, field: &Field) -> String {
    let setting = names::setting(&section.name, &field.name);
    let variables =
        variables(&section.name, field).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let default = if field.default == "\"\"" { "not set".to_owned() } else { format!("`{}`", field.default) };
    let cells =
        [format!("`{setting}`"), variables.join("<br>"), field.kind.clone(), default, field.doc.clone()];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}
