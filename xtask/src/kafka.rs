//! The feature `kafka`, off in a plain build and on wherever the platform is tested: every step of a run asks for it in
//! the same way, so that all of them share what was built.

use crate::debian;
use crate::process::output;
use anyhow::Result;

/// The crates that have the feature.
const WITH_KAFKA: [&str; 3] = ["bowline", "chassis", "testkit"];

/// What its client, librdkafka, is built with, and the Debian packages of that.
const TOOLS: [(&str, &str); 2] = [("g++", "g++"), ("make", "make")];

/// Installs what builds the client, where it is missing.
///
/// # Errors
/// It is missing and cannot be installed; the message says what to do.
pub(crate) fn install_missing() -> Result<()> {
    let missing: Vec<&str> = TOOLS
        .iter()
        .filter(|(tool, _)| output(tool, &["--version"]).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() { Ok(()) } else { debian::install(&missing) }
}

/// The arguments for cargo that turn the feature on, in all crates that have it or in those that `rest` names.
pub(crate) fn features(rest: &[String]) -> Vec<String> {
    let named = named(rest);
    let here = WITH_KAFKA.iter().filter(|package| named.is_empty() || named.contains(package));
    let features: Vec<String> = here.map(|package| format!("{package}/kafka")).collect();
    if features.is_empty() { Vec::new() } else { vec!["--features".to_owned(), features.join(",")] }
}

/// The packages that these arguments name; none means all.
fn named(rest: &[String]) -> Vec<&str> {
    let mut named = Vec::new();
    let mut words = rest.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.as_str() {
            "--workspace" => return Vec::new(),
            "-p" | "--package" => named.extend(words.next().map(String::as_str)),
            word => named.extend(word.strip_prefix("--package=").or(word.strip_prefix("-p"))),
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned_on(words: &[&str]) -> String {
        features(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn the_feature_is_asked_for_where_it_exists() {
        assert_eq!(turned_on(&["--locked"]), "--features bowline/kafka,chassis/kafka,testkit/kafka");
        assert_eq!(turned_on(&["-p", "chassis", "bus"]), "--features chassis/kafka");
        assert_eq!(turned_on(&["-pauth", "--package=testkit"]), "--features testkit/kafka");
        assert_eq!(turned_on(&["-p", "auth"]), "");
        assert_eq!(turned_on(&["refresh", "--", "-p", "auth"]), turned_on(&[]));
    }
}
