//! What the shop sells: things with names, prices and makers that a shop could have.

use crate::shopping::Choices;
use serde_json::{Value, json};

/// A kind of goods: its department, its category, what there is of it, and between which prices in cents.
struct Kind {
    department: &'static str,
    category: &'static str,
    things: &'static [&'static str],
    prices: (usize, usize),
}

const KINDS: [Kind; 8] = [
    Kind {
        department: "Home",
        category: "Lighting",
        things: &["Desk lamp", "Floor lamp", "Wall light", "Lantern", "Reading light"],
        prices: (1_900, 18_900),
    },
    Kind {
        department: "Home",
        category: "Textiles",
        things: &["Wool blanket", "Linen cushion", "Bath towel", "Rug", "Curtain"],
        prices: (1_200, 24_900),
    },
    Kind {
        department: "Home",
        category: "Storage",
        things: &["Shelf", "Oak box", "Coat rack", "Basket", "Drawer set"],
        prices: (1_500, 32_000),
    },
    Kind {
        department: "Kitchen",
        category: "Cooking",
        things: &["Iron pan", "Stock pot", "Paring knife", "Chopping board", "Mortar"],
        prices: (900, 14_900),
    },
    Kind {
        department: "Kitchen",
        category: "Table",
        things: &["Stoneware bowl", "Water glass", "Teapot", "Espresso cup", "Carafe"],
        prices: (600, 7_900),
    },
    Kind {
        department: "Outdoor",
        category: "Garden",
        things: &["Watering can", "Secateurs", "Planter", "Bird table", "Trowel"],
        prices: (800, 9_900),
    },
    Kind {
        department: "Outdoor",
        category: "Cycling",
        things: &["Pannier", "Bicycle bell", "Saddle", "Rain cape", "Pump"],
        prices: (900, 16_900),
    },
    Kind {
        department: "Study",
        category: "Paper",
        things: &["Notebook", "Letter set", "Wall calendar", "Sketch pad", "Map of the coast"],
        prices: (400, 4_900),
    },
];

const MAKERS: [&str; 8] =
    ["Halden", "Okinawa Works", "Fjord & Sons", "Lumen", "Marlow", "Tannery Lane", "Nordlys", "Brickfield"];
const FINISHES: [&str; 10] =
    ["walnut", "slate", "ochre", "sea green", "ash", "copper", "chalk", "indigo", "moss", "terracotta"];
const PRAISE: [&str; 5] = [
    "Made to be mended.",
    "From a small workshop by the sea.",
    "It gets better with the years.",
    "The one that we have at home ourselves.",
    "Tested by three generations.",
];

/// Departments with their categories.
pub(super) fn departments() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut departments: Vec<(&str, Vec<&str>)> = Vec::new();
    for Kind { department, category, .. } in &KINDS {
        match departments.iter_mut().find(|(name, _)| name == department) {
            Some((_, categories)) => categories.push(category),
            None => departments.push((department, vec![category])),
        }
    }
    departments
}

/// Who makes things.
pub(super) const fn makers() -> &'static [&'static str] {
    &MAKERS
}

/// Something that is to be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) category: &'static str,
    pub(super) maker: &'static str,
    pub(super) cents: i64,
    pub(super) featured: bool,
    finish: &'static str,
    praise: &'static str,
}

impl Thing {
    /// The body that makes it a product.
    pub(super) fn body(&self, category: &str, brand: &str) -> Value {
        json!({
            "sku": self.sku,
            "name": self.name,
            "description": format!("{} in {}. {}", self.name, self.finish, self.praise),
            "price": {"amount": self.cents, "currency": "EUR"},
            "category": category,
            "brand": brand,
            "featured": self.featured,
            "attributes": [{"name": "Finish", "value": self.finish}],
        })
    }
}

/// So many different things. They are the same whenever the seed is.
pub(super) fn things(seed: u64, how_many: usize) -> Vec<Thing> {
    let mut choices = Choices::new(seed, "goods");
    (0..how_many)
        .map(|number| {
            let kind = &KINDS[number % KINDS.len()];
            let what = kind.things[number / KINDS.len() % kind.things.len()];
            let (maker, finish, praise) =
                (*choices.one(&MAKERS), *choices.one(&FINISHES), *choices.one(&PRAISE));
            let (least, most) = kind.prices;
            // Prices end on 90 cents, as prices do.
            let cents = choices.number(least..=most) / 100 * 100 + 90;
            Thing {
                sku: format!("{}-{:04}", kind.category[..3].to_uppercase(), 1_001 + number),
                name: format!("{maker} {}, {finish}", what.to_lowercase()),
                category: kind.category,
                maker,
                cents: i64::try_from(cents).unwrap_or(i64::MAX),
                featured: choices.percent(20),
                finish,
                praise,
            }
        })
        .collect()
}

/// What is printed and never there: everybody wants it.
pub(super) fn rarity() -> Thing {
    Thing {
        sku: "RAR-0001".to_owned(),
        name: "Lumen lighthouse lamp, first edition".to_owned(),
        category: "Lighting",
        maker: "Lumen",
        cents: 49_990,
        featured: true,
        finish: "copper",
        praise: "Twelve were made.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_makes_the_same_shop_again() {
        assert_eq!(things(7, 60), things(7, 60));
        assert_ne!(things(7, 60), things(8, 60));
    }

    #[test]
    fn each_thing_has_a_number_and_a_price_of_its_own_kind() {
        let things = things(1, 500);
        let numbers: BTreeSet<_> = things.iter().map(|thing| &thing.sku).collect();
        assert_eq!(numbers.len(), 500);
        assert!(things.iter().all(|thing| thing.cents > 0 && thing.cents % 100 == 90));
        let categories: Vec<_> = departments().into_iter().flat_map(|(_, categories)| categories).collect();
        assert!(things.iter().all(|thing| categories.contains(&thing.category)));
    }
}
