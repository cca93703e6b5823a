//! Titles and tags as they are searched and sorted by, the same on both engines because they are made here and not there.

use unicode_normalization::UnicodeNormalization;

/// A title as it is sorted and searched by: in small letters, and of one form where Unicode knows several of the same letter.
#[must_use]
pub fn key(text: &str) -> String {
    // Small letters first: some have a form of their own only then, and a key of a key is the same.
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Tags as they are kept: in small letters, each once, in the order of the alphabet.
#[must_use]
pub fn tags<'a>(given: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = given.into_iter().map(|tag| key(tag.trim())).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_forms_of_a_letter_do_not_matter() {
        assert_eq!(key("Buy MILK"), "buy milk");
        assert_eq!(key("A\u{308}pfel"), key("äpfel"));
        assert_eq!(key("50% of_a\\b"), "50% of_a\\b");
    }

    #[test]
    fn tags_are_kept_once_and_in_order() {
        assert_eq!(tags(["Work", " home ", "work", "HOME"]), ["home", "work"]);
    }
}
