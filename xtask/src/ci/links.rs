//! Relative links in Markdown files lead somewhere: to a file of the repository, and to a heading in it.

use super::files::tracked;
use anyhow::{Result, bail};
use std::path::{Component, Path, PathBuf};

pub(super) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for name in tracked()?.iter().filter(|name| name.ends_with(".md")) {
        let text = std::fs::read_to_string(name)?;
        for (line, target) in links(&text) {
            if let Err(reason) = resolve(Path::new(name), target) {
                faults.push(format!("{name}:{line}: {target}: {reason}"));
            }
        }
    }
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    Ok(())
}

/// The lines of a Markdown text outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// Targets of `[text](target)` and `[name]: target` that are not URLs.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let inline = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split([')', ' ']).next());
        let definition = line
            .starts_with('[')
            .then(|| line.split_once("]: ").map(|(_, target)| target.split(' ').next().unwrap_or(target)));
        inline
            .chain(definition.flatten())
            .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
            .map(move |target| (number, target))
    })
}

fn resolve(from: &Path, target: &str) -> Result<(), &'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        from.to_owned()
    } else if path.starts_with('/') {
        return Err("is absolute: write it relative to the file");
    } else {
        inside(&from.parent().unwrap_or(Path::new("")).join(path)).ok_or("leaves the repository")?
    };
    if !file.exists() && !file.as_os_str().is_empty() {
        return Err("there is no such file");
    }
    if anchor.is_empty() || file.extension().is_none_or(|e| e != "md") {
        return Ok(());
    }
    let text = std::fs::read_to_string(&file).map_err(|_| "cannot be read")?;
    if headings(&text).any(|heading| heading == anchor) { Ok(()) } else { Err("there is no such heading") }
}

/// The path without `..`, or nothing when it leads out of the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    path.components().try_fold(PathBuf::new(), |mut clean, part| match part {
        Component::ParentDir => clean.pop().then_some(clean),
        Component::Normal(name) => {
            clean.push(name);
            Some(clean)
        }
        _ => Some(clean),
    })
}

/// The anchors of all headings, as the usual viewers make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let mut seen = Vec::<String>::new();
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| line.trim_start_matches('#').trim())
        .map(move |heading| {
            let slug: String = heading
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            let before = seen.iter().filter(|s| **s == slug).count();
            seen.push(slug.clone());
            if before == 0 { slug } else { format!("{slug}-{before}") }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code_only() {
        let text = "see [a](docs/a.md) and [b](https://b.example)\n```\n[c](c.md)\n```\n[d]: d.md#x";
        assert_eq!(links(text).collect::<Vec<_>>(), [(1, "docs/a.md"), (5, "d.md#x")]);
    }

    #[test]
    fn a_heading_is_an_anchor() {
        let text = "# The house: 1, `two`\n## Same\n## Same\n";
        assert_eq!(headings(text).collect::<Vec<_>>(), ["the-house-1-two", "same", "same-1"]);
    }

    #[test]
    fn a_link_may_not_leave_the_repository() {
        assert_eq!(inside(Path::new("docs/../a.md")), Some(PathBuf::from("a.md")));
        assert_eq!(inside(Path::new("docs/../../a.md")), None);
        assert!(resolve(Path::new("a.md"), "/b.md").is_err());
    }
}
