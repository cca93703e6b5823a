//! Words as they are searched and sorted by: in small letters and without accents, the same on both engines because they
//! are made here and not there.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of a word at most; what is longer is cut. PostgreSQL leaves words of more than 2,047 bytes out, SQLite does not.
const LONGEST: usize = 100;

/// The words of a text, with single spaces between them.
///
/// Two texts that differ in capitals, accents, ligatures or signs only have the same words.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'ø' | 'Ø' => folded.push('o'),
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            'ł' | 'Ł' => folded.push('l'),
            'þ' | 'Þ' => folded.push_str("th"),
            'ı' | 'İ' => folded.push('i'),
            // An apostrophe is within a word, and left out: "men's" is found as "mens".
            '\'' | '’' | 'ʼ' => {}
            c if c.is_alphanumeric() => folded.extend(c.to_lowercase().filter(|c| c.is_alphanumeric())),
            _ if folded.ends_with(' ') || folded.is_empty() => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    if folded.split(' ').all(|word| word.len() <= LONGEST) {
        return folded;
    }
    let cut = |word: &str| word.chars().take(LONGEST).collect::<String>();
    folded.split(' ').map(cut).collect::<Vec<_>>().join(" ")
}

/// The words of several texts, in their order.
#[must_use]
pub fn fold_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(fold).filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn capitals_accents_and_signs_do_not_matter() {
        for (text, words) in [
            ("Crème  Brûlée!", "creme brulee"),
            ("ÅNGSTRÖM / Łódź", "angstrom lodz"),
            ("Straße — STRASSE", "strasse strasse"),
            ("Men's T‑Shirt", "mens t shirt"),
            ("ﬁne ½ cup", "fine 1 2 cup"),
            ("Ёлка, 2 шт.", "елка 2 шт"),
            ("東京タワー", "東京タワー"),
            ("İstanbul ISPARTA", "istanbul isparta"),
            ("USB-C 3.5mm", "usb c 3 5mm"),
            (" \t-- ", ""),
        ] {
            assert_eq!(fold(text), words, "{text}");
        }
    }

    #[test]
    fn a_word_that_no_index_takes_is_cut() {
        assert_eq!(fold(&"é".repeat(3_000)), "e".repeat(LONGEST));
        assert_eq!(fold(&format!("a {} b", "東".repeat(50))), format!("a {} b", "東".repeat(50)));
    }

    proptest! {
        #[test]
        fn words_are_letters_and_digits_with_single_spaces_between(text in ".*") {
            let folded = fold(&text);
            prop_assert!(folded.chars().all(|c| c == ' ' || c.is_alphanumeric()));
            prop_assert!(!folded.contains("  ") && folded.trim() == folded);
        }

        #[test]
        fn words_of_words_are_the_same(text in ".*") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }
    }
}
