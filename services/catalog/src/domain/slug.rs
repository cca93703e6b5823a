//! What stands for a thing in an address, made of its name.

use chassis::words::fold;
use uuid::Uuid;

/// Characters of a slug that is made here, at most.
const LONGEST: usize = 80;
/// Characters of the identifier that tell two things of one name apart.
const TAIL: usize = 8;

/// The slugs of a name, to be tried in this order: the plain one, then one that nothing else has.
#[must_use]
pub fn slugs(name: &str, id: Uuid) -> [String; 2] {
    let id = id.simple().to_string();
    let tail = id.get(id.len() - TAIL..).unwrap_or_default();
    let plain = plain(name);
    match plain.is_empty() {
        true => [tail.to_owned(), id.clone()],
        false => [plain.clone(), format!("{plain}-{tail}")],
    }
}

/// The words of the name that consist of `a-z` and `0-9`, as many as fit.
fn plain(name: &str) -> String {
    let mut slug = String::new();
    let words = fold(name);
    for word in
        words.split(' ').filter(|word| word.bytes().all(|b| b.is_ascii_alphanumeric()) && !word.is_empty())
    {
        if slug.len() + word.len() >= LONGEST {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first(name: &str) -> String {
        slugs(name, Uuid::from_u128(0xabcd_1234)).into_iter().next().unwrap()
    }

    #[test]
    fn a_slug_is_made_of_the_words_of_a_name() {
        assert_eq!(first("Crème Brûlée, 4 Stück!"), "creme-brulee-4-stuck");
        assert_eq!(first("Лампа LED"), "led");
        assert_eq!(first("ランプ"), "abcd1234");
    }

    #[test]
    fn two_things_of_one_name_have_two_slugs() {
        assert_eq!(slugs("Lamp", Uuid::from_u128(0xabcd_1234))[1], "lamp-abcd1234");
    }

    proptest! {
        #[test]
        fn every_slug_is_fit_for_an_address(name in ".*", id: u128) {
            for slug in slugs(&name, Uuid::from_u128(id)) {
                prop_assert!((1..=100).contains(&slug.len()), "{}", slug);
                prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
            }
        }
    }
}
