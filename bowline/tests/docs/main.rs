//! The pages say what the code says: the generated ones are what the binary prints, and a setting that a page names
//! exists.
//!
//! `BOWLINE_UPDATE_DOCS=1 cargo test -p bowline --test docs` writes the generated pages anew.

mod compatible;

use anyhow::{Context, Result, ensure};
use compatible::broken;
use contract::ErrorCode;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::Folder;

/// Writes the generated pages instead of comparing them.
const UPDATE: &str = "BOWLINE_UPDATE_DOCS";

/// The pages that are made from the code.
const GENERATED: [&str; 2] = ["docs/config.md", "docs/errors.md"];

/// The description of all events.
const EVENTS: &str = "docs/asyncapi.json";

/// Names in pages that look like settings and are something else.
const NO_SETTINGS: [(&str, &str); 4] = [
    ("auth.database", "a readiness check"),
    ("gateway.database", "a readiness check"),
    ("auth.signing_key", "a readiness check"),
    ("auth.db", "a file in the data folder"),
];

/// Variables in pages that look like settings and are something else, by their beginning.
const NO_VARIABLES: [(&str, &str); 4] = [
    (UPDATE, "of this test"),
    ("BOWLINE_COMMIT", "read by the build"),
    ("BOWLINE_TEST_", "of the tests"),
    ("BOWLINE_NOTES__", "of the service that docs/adding-a-service.md makes up"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a command of the binary prints when nothing is set and there is no settings file.
fn printed(arguments: &[&str]) -> Result<String> {
    let folder = Folder::new("docs")?;
    let binary = env!("CARGO_BIN_EXE_bowline");
    let output = Command::new(binary).args(arguments).env_clear().current_dir(folder.path()).output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Compares a generated page, or writes it.
fn holds(page: &str, generated: &str) -> Result<()> {
    let path = root().join(page);
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        return std::fs::write(&path, generated).with_context(|| format!("cannot write {page}"));
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(generated.lines()).position(|(kept, generated)| kept != generated);
    let line = 1 + differs.unwrap_or_else(|| kept.lines().count().min(generated.lines().count()));
    assert!(
        kept == generated,
        "{page} is not what the code says, from line {line} on; `{UPDATE}=1 cargo test -p bowline --test docs` writes it"
    );
    Ok(())
}

#[test]
fn the_reference_of_settings_is_of_this_code() -> Result<()> {
    holds("docs/config.md", &printed(&["config", "reference"])?)
}

#[test]
fn the_api_description_is_of_this_code() -> Result<()> {
    holds("docs/openapi.json", &printed(&["openapi"])?)
}

/// The published document, if there is one.
fn published_events() -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(root().join(EVENTS)).ok()?).ok()
}

#[test]
fn a_published_version_of_an_event_does_not_change() -> Result<()> {
    let generated = printed(&["asyncapi"])?;
    let now: Value = serde_json::from_str(&generated)?;
    let broken = published_events().map(|published| broken(&published, &now)).unwrap_or_default();
    assert!(
        broken.is_empty(),
        "a published event may change by an optional field only; anything else is a new version (docs/event-versions.md):\n  {}\n",
        broken.join("\n  ")
    );
    // Written only now: the switch that updates pages does not get past a broken promise.
    holds(EVENTS, &generated)
}

#[test]
fn the_description_of_events_is_an_asyncapi_document() -> Result<()> {
    let document: Value = serde_json::from_str(&printed(&["asyncapi"])?)?;
    assert_eq!(document["asyncapi"], "3.0.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let entries =
        |pointer: &str| document.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
    let leads = |reference: &Value| {
        reference["$ref"].as_str().and_then(|r| document.pointer(r.strip_prefix('#')?)).is_some()
    };
    let allowed = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let (channels, operations, messages) =
        (entries("/channels"), entries("/operations"), entries("/components/messages"));
    assert!(!channels.is_empty() && !operations.is_empty() && !messages.is_empty());
    for (name, channel) in &channels {
        assert!(allowed(name) && channel["address"].is_string(), "{name}");
        let listed = channel["messages"].as_object().context("a channel has messages")?;
        assert!(!listed.is_empty() && listed.values().all(leads), "{name}");
        assert!(listed.keys().all(|kind| kind.starts_with(&format!("{name}."))), "{name}");
    }
    for (name, operation) in &operations {
        assert!(allowed(name) && operation["action"] == "send" && leads(&operation["channel"]), "{name}");
        let sent = operation["messages"].as_array().context("an operation has messages")?;
        assert!(!sent.is_empty() && sent.iter().all(leads), "{name}");
        let channel = operation["channel"]["$ref"].as_str().unwrap_or_default();
        let of_channel = |sent: &Value| sent["$ref"].as_str().is_some_and(|sent| sent.starts_with(channel));
        assert!(sent.iter().all(of_channel), "{name} sends messages of its channel");
    }
    for (name, message) in &messages {
        assert!(allowed(name) && message["contentType"] == "application/cloudevents+json", "{name}");
        let [envelope, own] = message["payload"]["allOf"].as_array().map(Vec::as_slice).unwrap_or_default()
        else {
            panic!("{name} is an envelope and its data");
        };
        assert!(leads(envelope) && leads(&own["properties"]["data"]), "{name}");
        assert_eq!(own["properties"]["type"]["const"], name.as_str());
    }
    Ok(())
}

#[test]
fn the_list_of_error_codes_is_of_this_code() -> Result<()> {
    holds("docs/errors.md", &error_codes())
}

const ABOUT_ERRORS: &str = "\
# Error codes

Made from the code (`contract/src/error.rs`); do not edit. The list is closed, and a code never changes its meaning: a
client may branch on it.

Every failed answer has this body. `details` is there when single fields are wrong; the request id finds the request in
the log, where the cause stands that is not told here.

```json
{
  \"success\": false,
  \"error\": {
    \"code\": \"VALIDATION_ERROR\",
    \"message\": \"The request is not valid; see details.\",
    \"status\": 400,
    \"details\": [{ \"field\": \"email\", \"message\": \"not an e-mail address\" }],
    \"requestId\": \"0199a6d2-7c51-7a43-9a6f-0f3f6e1f9b11\",
    \"correlationId\": \"0199a6d2-7c51-7a43-9a6f-0f3f6e1f9b11\",
    \"timestamp\": \"2026-01-01T12:00:00Z\"
  }
}
```

A client that sends `Accept: application/problem+json` gets the same as RFC 9457, with `type` `urn:bowline:error:<code>`,
`title`, `detail`, and `errors` in place of `details`.

*Again* says whether the same request may succeed after a pause. It still has to be safe to repeat. Where `Retry-After`
is sent, it says how long the pause is.

| code | status | again | meaning |
| --- | --- | --- | --- |
";

fn error_codes() -> String {
    let row = |code: &ErrorCode| {
        let (status, again) = code.kind().semantics();
        let again = if again { "yes" } else { "no" };
        format!("| `{}` | {status} | {again} | {} |\n", code.as_str(), code.about())
    };
    ABOUT_ERRORS.to_owned() + &ErrorCode::ALL.iter().map(row).collect::<String>()
}

/// What can be set: names such as `http.port`, and variables.
struct Known {
    settings: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl Known {
    /// From the reference that the binary prints.
    fn read(reference: &str) -> Self {
        let (mut settings, mut variables) = (BTreeSet::new(), BTreeSet::new());
        for row in reference.lines().filter(|line| line.starts_with("| `")) {
            let mut cells = row.trim_start_matches("| ").split(" | ");
            settings.extend(cells.next().map(|cell| cell.trim_matches('`').to_owned()));
            let names = cells.next().into_iter().flat_map(|cell| cell.split("<br>"));
            variables.extend(names.map(|name| name.trim_matches('`').to_owned()));
        }
        Self { settings, variables }
    }

    /// A setting of a section that exists, which does not.
    fn is_wrong_setting(&self, name: &str) -> bool {
        let Some((section, _)) = name.split_once('.') else { return false };
        let in_section = |setting: &String| setting.split_once('.').is_some_and(|(own, _)| own == section);
        self.settings.iter().any(in_section)
            && !self.settings.contains(name)
            && !NO_SETTINGS.iter().any(|(other, _)| *other == name)
    }

    fn is_wrong_variable(&self, name: &str) -> bool {
        let set = name.strip_suffix("_FILE").unwrap_or(name);
        !self.variables.contains(name)
            && !self.variables.contains(set)
            && !NO_VARIABLES.iter().any(|(other, _)| name.starts_with(other))
    }

    /// What a page names that does not exist.
    fn faults(&self, page: &str, text: &str) -> Vec<String> {
        let settings = settings_in(text).filter(|name| self.is_wrong_setting(name));
        let variables = variables_in(text).filter(|name| self.is_wrong_variable(name));
        settings.chain(variables).map(|name| format!("{page}: there is no setting `{name}`")).collect()
    }
}

/// Inline code outside of fences that reads `section.field`, alone or with a value behind it.
fn settings_in(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    let code = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2));
    code.filter_map(|code| {
        let end = code.find([' ', '=']).unwrap_or(code.len());
        let (name, behind) = code.split_at(end);
        let is_name =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let (section, field) = name.split_once('.')?;
        let alone = behind.is_empty() || behind.trim_start().starts_with('=');
        (alone && is_name(section) && is_name(field)).then_some(name)
    })
}

/// Words that begin with `BOWLINE_`, anywhere.
fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("BOWLINE_") && !word.ends_with('_'))
}

/// All files with this extension below a folder, without what was built or written by a run.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "data" && !name.starts_with('.') {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    Ok(found)
}

/// What stands before the name of a metric in the code.
const BEFORE_METRICS: [&str; 6] = ["counter!(", "gauge!(", "histogram!(", ".count(", ".one(", ".family("];

/// The metrics that a file of code writes, outside of its unit tests.
fn metrics_in(code: &str) -> impl Iterator<Item = &str> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    BEFORE_METRICS.iter().flat_map(move |before| {
        let calls = code.split(before).skip(1);
        let texts = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
        // A test counts rows with a statement, which is of several words.
        texts.filter(|text| !text.contains(' '))
    })
}

#[test]
fn every_metric_is_in_the_operations_page() -> Result<()> {
    let root = root();
    let page = std::fs::read_to_string(root.join("docs/operations.md"))?;
    let folders = ["bowline/src", "chassis/src", "gateway/src", "services"];
    let mut named = BTreeSet::new();
    for folder in folders {
        for file in files(&root.join(folder), "rs")? {
            named.extend(metrics_in(&std::fs::read_to_string(file)?).map(str::to_owned));
        }
    }
    assert!(named.contains("http_requests_total") && named.contains("build_info"), "{named:?}");
    let absent: Vec<_> = named.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(absent.is_empty(), "not in docs/operations.md: {absent:?}");
    Ok(())
}

#[test]
fn every_setting_that_a_page_names_exists() -> Result<()> {
    let known = Known::read(&printed(&["config", "reference"])?);
    assert!(known.settings.contains("http.port") && known.variables.contains("DATABASE_URL"));
    let root = root();
    let mut faults = Vec::new();
    for page in files(&root, "md")? {
        let name = page.strip_prefix(&root).unwrap_or(&page).display().to_string();
        if GENERATED.contains(&name.as_str()) {
            continue;
        }
        faults.extend(known.faults(&name, &std::fs::read_to_string(&page)?));
    }
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
    Ok(())
}

#[test]
fn a_name_that_does_not_exist_is_found_in_prose_and_a_variable_anywhere() {
    let known =
        Known::read("| `http.port` | `PORT`<br>`BOWLINE_HTTP__PORT` | a number | `8080` | Its port. |\n");
    let text = "`http.port` and `http.post = 1`, `chassis.rs`, `http.get()`\n```sh\nBOWLINE_HTTP__POST=1 x\n```\n\
                BOWLINE_HTTP__PORT_FILE BOWLINE_TEST_POSTGRES";
    let faults = known.faults("a.md", text);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].ends_with("`http.post`") && faults[1].ends_with("`BOWLINE_HTTP__POST`"), "{faults:?}");
}
