//! Numbers of orders that people read to each other: `B7K3-9QMX-2`.
//!
//! Eight characters by chance and one that checks them, of Crockford's alphabet, which has no I, L, O and U. The check finds
//! every wrong character and every two neighbours that were swapped. A number says nothing about how many orders there are.

use std::fmt;
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters by chance.
const LENGTH: usize = 8;

/// The number of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// A number by chance. That nobody else has it is for the store to see to.
    #[must_use]
    pub fn random() -> Self {
        let chance = Uuid::new_v4().as_u128();
        Self::of(std::array::from_fn(|place| ((chance >> (place * 5)) & 31) as u8))
    }

    fn of(values: [u8; LENGTH]) -> Self {
        let text = |value: &u8| char::from(ALPHABET[usize::from(*value & 31)]);
        let (front, back) = values.split_at(LENGTH / 2);
        let (front, back): (String, String) =
            (front.iter().map(text).collect(), back.iter().map(text).collect());
        Self(format!("{front}-{back}-{}", text(&check(&values))))
    }

    /// Reads what a person typed: in any case, with or without hyphens and spaces, with I and L for 1 and O for 0. Nothing
    /// when the check finds that it is none.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let signs = typed.chars().filter(|c| !matches!(c, '-' | ' '));
        let values: Option<Vec<u8>> = signs.map(value).collect();
        let values: [u8; LENGTH + 1] = values?.try_into().ok()?;
        let (last, values) = values.split_last()?;
        let values: [u8; LENGTH] = values.try_into().ok()?;
        (check(&values) == *last).then(|| Self::of(values))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn value(sign: char) -> Option<u8> {
    let sign = match sign.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let place = ALPHABET.iter().position(|known| char::from(*known) == sign)?;
    u8::try_from(place).ok()
}

/// The sum of the values, each times another power of the generator, in the field of 32 elements: a change of one value, or
/// two neighbours that differ and are swapped, changes it.
fn check(values: &[u8]) -> u8 {
    values.iter().rev().fold(0, |sum, value| double(sum ^ value))
}

/// Times the generator, modulo x^5 + x^2 + 1.
const fn double(value: u8) -> u8 {
    let twice = value << 1;
    if twice & 32 == 0 { twice } else { (twice ^ 0b10_0101) & 31 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = [u8; LENGTH]> {
        prop::array::uniform8(0_u8..32)
    }

    #[test]
    fn the_generator_goes_through_all_31_values_before_it_is_back_at_one() {
        let mut seen = vec![1];
        while seen.last().map(|last| double(*last)) != Some(1) {
            seen.push(double(*seen.last().unwrap()));
        }
        assert_eq!(seen.len(), 31, "{seen:?}");
    }

    #[test]
    fn what_is_easily_mistaken_is_read_as_what_was_meant() {
        let number = OrderNumber::of([1, 0, 11, 7, 30, 1, 0, 4]);
        let typed = number.as_str().to_lowercase().replace('1', "l").replace('0', "o").replace('-', " ");
        assert_eq!(OrderNumber::parse(&typed), Some(number));
    }

    proptest! {
        #[test]
        fn a_number_is_read_back(values in values()) {
            let number = OrderNumber::of(values);
            prop_assert_eq!(number.as_str().len(), 11);
            prop_assert_eq!(OrderNumber::parse(number.as_str()), Some(number));
        }

        #[test]
        fn one_wrong_character_is_found(values in values(), place in 0..=LENGTH, other in 0_u8..32) {
            let number = OrderNumber::of(values);
            let mut signs: Vec<char> = number.as_str().replace('-', "").chars().collect();
            let wrong = char::from(ALPHABET[usize::from(other)]);
            prop_assume!(signs[place] != wrong);
            signs[place] = wrong;
            prop_assert_eq!(OrderNumber::parse(&signs.iter().collect::<String>()), None);
        }

        #[test]
        fn two_swapped_neighbours_are_found(values in values(), place in 0..LENGTH) {
            let number = OrderNumber::of(values);
            let mut signs: Vec<char> = number.as_str().replace('-', "").chars().collect();
            prop_assume!(signs[place] != signs[place + 1]);
            signs.swap(place, place + 1);
            prop_assert_eq!(OrderNumber::parse(&signs.iter().collect::<String>()), None);
        }

        #[test]
        fn nothing_that_is_typed_makes_it_fail(typed in ".{0,20}") {
            if let Some(number) = OrderNumber::parse(&typed) {
                prop_assert_eq!(OrderNumber::parse(number.as_str()), Some(number));
            }
        }
    }
}
