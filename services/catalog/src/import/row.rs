//! A line of a file as it is meant, whatever the format.

use contract::catalog::{Attribute, CreateProduct, Image, UpdateProduct};
use contract::ids::{BrandId, CategoryId, UserId};
use contract::money::{Currency, Money};
use serde::Deserialize;

/// What a file says about a product. What it does not say stays as it is, or is what a new product begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Row {
    /// Its number in the warehouse, by which it is known again.
    pub sku: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What one costs.
    #[serde(default)]
    pub price: Option<Money>,
    /// What stands for it in an address.
    #[serde(default)]
    pub slug: Option<String>,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// The slug of its category.
    #[serde(default)]
    pub category: Option<String>,
    /// The slug of its brand.
    #[serde(default)]
    pub brand: Option<String>,
    /// Whether it is sold.
    #[serde(default)]
    pub active: Option<bool>,
    /// Whether the shop puts it forward.
    #[serde(default)]
    pub featured: Option<bool>,
    /// Pictures of it.
    #[serde(default)]
    pub images: Option<Vec<Image>>,
    /// Its properties.
    #[serde(default)]
    pub attributes: Option<Vec<Attribute>>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which line of the file, from 1.
    pub line: u64,
    /// Which field of it; empty for the line as a whole.
    pub field: String,
    /// What is expected.
    pub message: String,
}

impl Problem {
    /// A problem of a field.
    pub fn new(line: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line, field: field.into(), message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            field => write!(f, "line {}: {field}: {}", self.line, self.message),
        }
    }
}

/// The things that a row names by their slugs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    /// Its category.
    pub category: Option<CategoryId>,
    /// Its brand.
    pub brand: Option<BrandId>,
}

impl Row {
    /// The product that it makes; what it lacks is an error of its field.
    ///
    /// # Errors
    /// The field that must be there for a product that is new.
    pub fn make(self, vendor: UserId, named: Named) -> Result<CreateProduct, &'static str> {
        let name = self.name.ok_or("name")?;
        let price = self.price.ok_or("price")?;
        Ok(CreateProduct {
            slug: self.slug,
            description: self.description.unwrap_or_default(),
            category: named.category,
            brand: named.brand,
            vendor: Some(vendor),
            active: self.active.unwrap_or(true),
            featured: self.featured.unwrap_or_default(),
            images: self.images.unwrap_or_default(),
            attributes: self.attributes.unwrap_or_default(),
            ..CreateProduct::new(self.sku, name, price)
        })
    }

    /// The change that it makes to the product of its number.
    #[must_use]
    pub fn change(self, named: Named) -> UpdateProduct {
        UpdateProduct {
            sku: None,
            name: self.name,
            slug: self.slug,
            description: self.description,
            price: self.price,
            category: named.category.map(Some),
            brand: named.brand.map(Some),
            active: self.active,
            featured: self.featured,
            images: self.images,
            attributes: self.attributes,
        }
    }
}

/// An amount as a person writes it, such as `19.99`: exact, and with no more digits than the currency has.
#[must_use]
pub fn amount(text: &str, currency: Currency) -> Option<Money> {
    let digits = usize::try_from(currency.digits()).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let empty_fraction = text.ends_with('.');
    if whole.is_empty()
        || empty_fraction
        || fraction.len() > digits
        || !all_digits(whole)
        || !all_digits(fraction)
    {
        return None;
    }
    let smallest = format!("{whole}{fraction:0<digits$}");
    smallest.parse().ok().map(|amount| Money::new(amount, currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_exact_or_none() {
        let eur = |text| amount(text, Currency::EUR).map(|money| money.amount);
        assert_eq!(
            [eur("19.99"), eur("19.9"), eur("19"), eur("0.05")],
            [Some(1999), Some(1990), Some(1900), Some(5)]
        );
        for bad in [
            "",
            ".",
            "19.",
            ".5",
            "19.999",
            "19,99",
            "1e3",
            "-1",
            "+1",
            " 1",
            "1 000",
            "€5",
            "92233720368547758080",
        ] {
            assert_eq!(eur(bad), None, "{bad}");
        }
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(amount("500", yen).map(|money| money.amount), Some(500));
        assert_eq!(amount("500.0", yen), None);
        assert_eq!(amount("1.234", Currency::parse("KWD").unwrap()).map(|money| money.amount), Some(1_234));
    }

    #[test]
    fn a_new_product_needs_a_name_and_a_price() {
        let row = Row { sku: "A".to_owned(), ..Row::default() };
        let make = |row: Row| row.make(UserId::new(), Named::default()).map(|made| made.sku);
        assert_eq!(make(row.clone()), Err("name"));
        assert_eq!(make(Row { name: Some("A".to_owned()), ..row.clone() }), Err("price"));
        assert_eq!(row.change(Named::default()), UpdateProduct::default(), "what is not said stays as it is");
    }

    proptest! {
        #[test]
        fn an_amount_that_is_shown_is_read_again(cents in 0_i64..=i64::MAX, code in "EUR|JPY|KWD") {
            let money = Money::new(cents, Currency::parse(&code).unwrap());
            let shown = money.to_string();
            let (text, _) = shown.split_once(' ').unwrap();
            prop_assert_eq!(amount(text, money.currency), Some(money));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            prop_assert!(amount(&text, Currency::EUR).is_none_or(|money| money.amount >= 0));
        }
    }
}
