//! What a file names besides routes: upstreams and identity providers, and what is wrong with them.

use super::file::{File, Problem, Source};
use crate::rollout;

/// What a name looks like.
pub(super) const NAME: &str = "must be 1 to 64 small letters, digits, `-`, `_` or `.`";

pub(super) fn is_name(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fine)
}

/// What upstreams say about themselves.
pub(super) fn upstreams(source: Source<'_>, file: &File, problems: &mut Vec<Problem>) {
    for (name, spec) in &file.upstream {
        let table = source.line_at(spec.span().start);
        let mut say = |line, field: &str, message| {
            let place = format!("upstream {name}{}{field}", if field.is_empty() { "" } else { ": " });
            problems.push(Problem { line, place, message });
        };
        if !is_name(name) {
            say(table, "", NAME.to_owned());
        }
        for (field, message) in spec.get_ref().check() {
            say(source.line_of(spec.span(), &field), &field, message);
        }
        if !file.route.iter().any(|route| rollout::leads_to(route.get_ref(), name)) {
            say(table, "", "no route leads to it".to_owned());
        }
    }
}

/// What identity providers say about themselves.
pub(super) fn providers(source: Source<'_>, file: &File, problems: &mut Vec<Problem>) {
    for (name, spec) in &file.provider {
        let mut say = |line, field: &str, message| {
            let place = format!("provider {name}{}{field}", if field.is_empty() { "" } else { ": " });
            problems.push(Problem { line, place, message });
        };
        if !is_name(name) {
            say(source.line_at(spec.span().start), "", NAME.to_owned());
        }
        for (field, message) in spec.get_ref().check() {
            say(source.line_of(spec.span(), &field), &field, message);
        }
    }
}
