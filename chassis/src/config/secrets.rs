//! What a secret must not look like, and how it is kept out of printed text.

/// Shown in place of a secret.
pub(super) const MASK: &str = "***";

/// The least length of a secret in production, in characters.
pub(super) const SHORTEST: usize = 32;

/// Words that examples use and that no random text of this length holds by chance, without punctuation.
const EXAMPLES: [&str; 12] = [
    "changeme",
    "changethis",
    "changein",
    "default",
    "example",
    "insecure",
    "password",
    "placeholder",
    "qwerty",
    "replaceme",
    "secret",
    "supersafe",
];

/// How examples begin.
const EXAMPLE_STARTS: [&str; 6] = ["dev-", "dev_", "test-", "test_", "your-", "your_"];

/// Why `secret` looks as if nobody had chosen it at random; `None` when it does not.
pub(super) fn placeholder(secret: &str) -> Option<&'static str> {
    let lower = secret.to_lowercase();
    let letters: String = lower.chars().filter(|character| character.is_alphanumeric()).collect();
    if EXAMPLES.iter().any(|word| letters.contains(word))
        || EXAMPLE_STARTS.iter().any(|start| lower.starts_with(start))
    {
        return Some("looks like a placeholder from an example");
    }
    let characters: Vec<char> = lower.chars().collect();
    if is_repetition(&characters) {
        return Some("repeats itself");
    }
    is_sequence(&characters).then_some("is a sequence")
}

/// Whether it is one unit, of a single character or more, written twice or more often.
fn is_repetition(characters: &[char]) -> bool {
    let length = characters.len();
    (1..=length / 2).any(|unit| (unit..length).all(|place| characters[place] == characters[place - unit]))
}

/// Whether three steps in four go to the next, the previous or the same character: `abcdef...`, `98765...`.
fn is_sequence(characters: &[char]) -> bool {
    let steps =
        characters.windows(2).filter(|pair| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1).count();
    characters.len() > 2 && steps * 4 >= (characters.len() - 1) * 3
}

/// A secret as it may be shown: masked as a whole, except for a URL with a password in it, of which everything else but
/// the query helps to see what the process is connected to.
pub(super) fn mask_secret(secret: &str) -> String {
    if mask_userinfo(secret) == secret { MASK.to_owned() } else { mask_url(secret) }
}

/// A text in which the password and the query of a URL are masked, for values that somebody put in the wrong place.
pub(super) fn mask_url(text: &str) -> String {
    let masked = mask_userinfo(text);
    match masked.split_once('?') {
        Some((url, _)) if url.contains("://") => format!("{url}?{MASK}"),
        _ => masked,
    }
}

/// Whether a secret is what `bowline config print` shows in its place, copied by somebody.
pub(super) fn is_masked(secret: &str) -> bool {
    secret == MASK || secret.contains(":***@")
}

/// The text with the password of a URL in it masked: `postgres://bowline:***@db/auth`.
///
/// It reads as far as the last `@`, so that a password that should have been escaped is masked as well.
pub(super) fn mask_userinfo(text: &str) -> String {
    let masked = || {
        let authority = text.find("://")? + 3;
        let at = authority + text.get(authority..)?.rfind('@')?;
        let password = authority + text.get(authority..at)?.find(':')? + 1;
        Some(format!("{}{MASK}{}", text.get(..password)?, text.get(at..)?))
    };
    masked().unwrap_or_else(|| text.to_owned())
}
