//! The names of settings and variables, and what somebody probably meant by a name that does not exist.

use super::reference::SectionDoc;

/// Every variable of the naming rule starts with it.
pub(super) const PREFIX: &str = "BOWLINE_";

/// Variables for the tests of the platform. They name engines to test against and are no settings.
const TEST_PREFIX: &str = "BOWLINE_TEST_";

/// Ends the variable that names a file with the value.
pub(super) const FILE_SUFFIX: &str = "_FILE";

/// The setting's name as people see it: `http.port`, or `mode` in the root section.
pub(super) fn setting(section: &str, field: &str) -> String {
    if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") }
}

/// The variable of the naming rule: `BOWLINE_HTTP__PORT`, or `BOWLINE_MODE` in the root section.
pub(super) fn variable(section: &str, field: &str) -> String {
    let name = if section.is_empty() { field.to_owned() } else { format!("{section}__{field}") };
    format!("{PREFIX}{}", name.replace(['-', '.'], "_").to_ascii_uppercase())
}

/// Whether a variable claims to be a setting of the platform.
pub(super) fn is_ours(variable: &str) -> bool {
    variable.starts_with(PREFIX) && !variable.starts_with(TEST_PREFIX)
}

/// The candidate that was probably meant by `name`, if any is near enough: one slip in three characters, or one is the
/// beginning of the other. Upper and lower case are the same.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let score = |candidate: &'a str| {
        let lower = candidate.to_ascii_lowercase();
        let distance = strsim::osa_distance(&name, &lower);
        let begins = |long: &str, short: &str| short.len() >= 3 && long.starts_with(short);
        let near = distance <= (name.len().min(lower.len()) / 3).max(1);
        (near || begins(&lower, &name) || begins(&name, &lower)).then_some((distance, candidate))
    };
    candidates
        .into_iter()
        .filter_map(score)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The declared setting that was probably meant by `field` in `section`, as (section, field).
pub(super) fn meant<'a>(
    sections: &'a [SectionDoc],
    section: &str,
    field: &str,
) -> Option<(&'a str, &'a str)> {
    let in_section = |doc: &'a SectionDoc| {
        nearest(field, doc.fields.iter().map(|field| field.name.as_str()))
            .map(|near| (doc.name.as_str(), near))
    };
    let by_section = sections.iter().find(|doc| doc.name == section).and_then(in_section).or_else(|| {
        let near =
            nearest(section, sections.iter().map(|doc| doc.name.as_str()).filter(|name| !name.is_empty()))?;
        sections.iter().find(|doc| doc.name == near).and_then(in_section)
    });
    // A field without its section, or with the wrong one; or `http_port` where `http__port` was meant.
    let all = || {
        sections
            .iter()
            .flat_map(|doc| doc.fields.iter().map(|field| (doc.name.as_str(), field.name.as_str())))
    };
    let joined = |section: &str, field: &str| setting(section, field).replace(['.', '-'], "_");
    let written = joined(section, field);
    by_section
        .or_else(|| all().find(|(_, name)| *name == field))
        .or_else(|| all().find(|(section, name)| strsim::osa_distance(&joined(section, name), &written) <= 1))
}
