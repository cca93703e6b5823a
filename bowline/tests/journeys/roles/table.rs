//! The page with the table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The columns.
pub(super) const ROLES: [&str; 6] = ["nobody", "user", "vendor", "moderator", "admin", "service"];
/// Writes rows for new routes instead of missing them.
const UPDATE: &str = "BOWLINE_UPDATE_DOCS";

/// What a route answers each role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row(pub(super) Vec<String>);

/// The page.
#[derive(Debug)]
pub(super) struct Table {
    /// Everything before the first row.
    before: String,
    rows: BTreeMap<String, Row>,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roles.md")
}

impl Table {
    pub(super) fn read() -> Self {
        Self::parse(&std::fs::read_to_string(page()).unwrap())
    }

    pub(super) fn parse(text: &str) -> Self {
        let (before, rows): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with("| `"));
        let cells = |line: &&str| {
            let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            let name = cells.next().unwrap().trim_matches('`').to_owned();
            (name, Row(cells.collect()))
        };
        let count = rows.len();
        let rows: BTreeMap<String, Row> = rows.iter().map(cells).collect();
        assert_eq!(rows.len(), count, "a route has one row");
        assert!(rows.values().all(|row| row.0.len() == ROLES.len()), "a row has a cell for each role");
        Self { before: before.join("\n"), rows }
    }

    /// What differs, or nothing after new rows were written.
    pub(super) fn compare(mut self, found: &BTreeMap<String, Row>) -> Vec<String> {
        if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
            self.rows.retain(|name, _| found.contains_key(name));
            for (name, row) in found {
                self.rows.entry(name.clone()).or_insert_with(|| row.clone());
            }
            std::fs::write(page(), self.text()).unwrap();
        }
        self.faults(found)
    }

    pub(super) fn faults(&self, found: &BTreeMap<String, Row>) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, row) in found {
            let Some(wanted) = self.rows.get(name) else {
                faults.push(format!(
                    "{name} has no row in docs/roles.md: `{UPDATE}=1 cargo test -p bowline --test journeys roles` adds what it answers"
                ));
                continue;
            };
            for ((role, wanted), is) in ROLES.iter().zip(&wanted.0).zip(&row.0) {
                if wanted != is {
                    faults
                        .push(format!("{name} as {role}: docs/roles.md says {wanted}, and it answers {is}"));
                }
            }
        }
        let gone = self.rows.keys().filter(|name| !found.contains_key(*name));
        faults.extend(gone.map(|name| format!("{name} has a row in docs/roles.md and is no route")));
        faults
    }

    fn text(&self) -> String {
        let mut text = self.before.trim_end().to_owned();
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(name, _)| name.split_once(' ').map(|(method, path)| (path, method)));
        for (name, Row(answers)) in rows {
            text.push_str(&format!("\n| `{name}` | {} |", answers.join(" | ")));
        }
        text + "\n"
    }
}
