//! Who comes to the shop: made-up people with addresses that no letter reaches.

use crate::shopping::Choices;
use serde_json::{Value, json};

const FIRST: [&str; 24] = [
    "Ada", "Bela", "Carmen", "Dmitri", "Eilidh", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kofi", "Leila",
    "Mateo", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Sven", "Tuva", "Umar", "Vera", "Wim", "Yuki",
];
const LAST: [&str; 20] = [
    "Abara", "Bergman", "Costa", "Dubois", "Eriksen", "Fischer", "Grant", "Haddad", "Ito", "Jansen",
    "Kowalski", "Lund", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tanaka",
];
const STREETS: [&str; 8] = [
    "Harbour Street",
    "Mill Lane",
    "Chestnut Road",
    "Station Square",
    "Rope Walk",
    "Upper Quay",
    "Vine Hill",
    "Bell Yard",
];
/// City, postal code, country.
const CITIES: [(&str, &str, &str); 8] = [
    ("Berlin", "10115", "DE"),
    ("Hamburg", "20095", "DE"),
    ("Wien", "1010", "AT"),
    ("Lyon", "69001", "FR"),
    ("Leeds", "LS1 4AP", "GB"),
    ("Utrecht", "3511 LX", "NL"),
    ("Basel", "4001", "CH"),
    ("Porto", "4000-069", "PT"),
];

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somebody {
    pub(super) name: String,
    pub(super) email: String,
    street: String,
    city: (&'static str, &'static str, &'static str),
}

impl Somebody {
    /// The shopper of a number. They are the same whenever the seed is.
    pub(super) fn new(seed: u64, number: usize) -> Self {
        let mut choices = Choices::new(seed, &format!("person {number}"));
        let (first, last) = (choices.one(&FIRST), choices.one(&LAST));
        Self {
            name: format!("{first} {last}"),
            // Two may have one name, and nobody has another's address.
            email: format!("{first}.{last}.{number}@shop.example").to_lowercase(),
            street: format!("{} {}", choices.number(1..=120), choices.one(&STREETS)),
            city: *choices.one(&CITIES),
        }
    }

    pub(super) fn address(&self) -> Value {
        let (city, postal_code, country) = self.city;
        json!({
            "fullName": self.name, "address": self.street, "city": city, "postalCode": postal_code, "country": country,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_has_anothers_address() {
        let all: BTreeSet<_> = (0..1_000).map(|number| Somebody::new(3, number).email).collect();
        assert_eq!(all.len(), 1_000);
        assert_eq!(Somebody::new(3, 5), Somebody::new(3, 5));
    }
}
