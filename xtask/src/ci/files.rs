//! Rules about files: none grows beyond reading, and none names a machine.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Longer than this, a Rust file is two files.
const LONGEST: usize = 500;
/// Folders at the root of somebody's machine. A path below one of them works nowhere else.
const MACHINE_FOLDERS: [&str; 4] = ["home", "root", "Users", "work"];

pub(super) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for name in tracked()? {
        // A file that is deleted but not committed yet, or is not text, has nothing to say here.
        let Ok(text) = std::fs::read_to_string(&name) else { continue };
        let lines = text.lines().count();
        if name.ends_with(".rs") && lines > LONGEST {
            faults.push(format!("{name}: {lines} lines; {LONGEST} is the limit"));
        }
        if !name.ends_with(".lock") {
            faults.extend(
                machine_paths(&text).map(|(line, path)| format!("{name}:{line}: path of a machine: {path}")),
            );
        }
    }
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    Ok(())
}

/// All files under version control, and new ones that are not ignored.
pub(super) fn tracked() -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout)?;
    Ok(names.split_terminator('\0').filter(|name| Path::new(name).is_file()).map(str::to_owned).collect())
}

/// Line numbers and beginnings of absolute paths below somebody's own folders.
fn machine_paths(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.match_indices('/').filter_map(move |(at, _)| {
            let starts =
                line[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'`(=:,<[".contains(c));
            let below =
                |folder: &str| line[at + 1..].strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            let found = starts && MACHINE_FOLDERS.iter().any(|folder| below(folder));
            found
                .then(|| (index + 1, line[at..].split([' ', '"', '\'', '`', ')']).next().unwrap_or_default()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found_and_a_route_is_not() {
        let home = ["", "home", "me", "bowline"].join("/");
        let text = format!("one\nsee `{home}` there\nGET /api/v1/work/1 and https://example.org/home/x");
        assert_eq!(machine_paths(&text).collect::<Vec<_>>(), [(2, home.as_str())]);
    }
}
