//! Tax by the country that goods go to.
//!
//! What must hold: a rate is a whole number of hundredths of a percent, read from text without a float, and tax is taken
//! once of the sum, so that splitting a line in two changes nothing.

use contract::money::{Money, MoneyError};
use std::collections::BTreeMap;

/// Why a text is no rule of tax.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// It is not two letters, a colon and a rate.
    #[error("has `{0}`, which is not like `DE: 19%`")]
    Shape(String),
    /// The rate is not from 0 % to 100 % with two digits behind the point at most.
    #[error("has the rate `{0}`, which is not from 0% to 100% with two digits behind the point at most")]
    Rate(String),
    /// A country has two.
    #[error("has two rules for {0}")]
    Twice(String),
}

/// A share in hundredths of a percent: 1900 is 19 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(u32);

impl Rate {
    const WHOLE: u32 = 10_000;

    /// Reads `19%`, `8.1%` or `0%`.
    ///
    /// # Errors
    /// [`BadRule::Rate`].
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let bad = || BadRule::Rate(text.trim().to_owned());
        let number = text.trim().strip_suffix('%').ok_or_else(bad)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str, most: usize| {
            let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.parse::<u32>().ok()).flatten()
        };
        let whole = digits(whole, 3).ok_or_else(bad)?;
        // `.1` is a tenth, which is ten hundredths.
        let tens = if part.len() == 1 { 10 } else { 1 };
        let points = whole * 100 + digits(part, 2).ok_or_else(bad)? * tens;
        if points <= Self::WHOLE { Ok(Self(points)) } else { Err(bad()) }
    }

    /// In hundredths of a percent.
    #[must_use]
    pub const fn basis_points(self) -> u32 {
        self.0
    }
}

/// The rates of the countries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaxRules {
    countries: BTreeMap<String, Rate>,
    elsewhere: Rate,
    /// Whether shipping is taxed like the goods.
    shipping: bool,
}

impl TaxRules {
    /// Rules from texts: `DE: 19%` for a country, a rate for all others, and whether shipping is taxed like the goods.
    ///
    /// # Errors
    /// The first text that is no rule.
    pub fn parse<T: AsRef<str>>(rules: &[T], elsewhere: Rate, shipping: bool) -> Result<Self, BadRule> {
        let mut countries = BTreeMap::new();
        for rule in rules.iter().map(AsRef::as_ref) {
            let (country, rate) = rule.split_once(':').ok_or_else(|| BadRule::Shape(rule.to_owned()))?;
            let country = country.trim();
            if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(BadRule::Shape(rule.to_owned()));
            }
            if countries.insert(country.to_owned(), Rate::parse(rate)?).is_some() {
                return Err(BadRule::Twice(country.to_owned()));
            }
        }
        Ok(Self { countries, elsewhere, shipping })
    }

    /// The rate of a country, two letters of ISO 3166-1.
    #[must_use]
    pub fn rate(&self, country: &str) -> Rate {
        self.countries.get(country).copied().unwrap_or(self.elsewhere)
    }

    /// The tax on goods and shipping that go to a country.
    ///
    /// # Errors
    /// When the amounts do not come to an amount.
    pub fn on(&self, goods: Money, shipping: Money, country: &str) -> Result<Money, MoneyError> {
        let taxed = if self.shipping { goods.plus(shipping)? } else { goods };
        taxed.basis_points(self.rate(country).basis_points())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::money::Currency;
    use proptest::prelude::*;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    #[test]
    fn rates_are_read_to_the_hundredth_of_a_percent() {
        for (text, points) in
            [("19%", 1900), (" 8.1 % ", 810), ("7.05%", 705), ("0%", 0), ("100%", 10_000), ("05%", 500)]
        {
            assert_eq!(Rate::parse(text).map(Rate::basis_points), Ok(points), "{text}");
        }
        for text in ["19", "", "%", ".5%", "5.%", "-1%", "+1%", "100.01%", "8.125%", "1e1%", "1 9%", "9999%"]
        {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_names_a_country_once() {
        let parse = |rules: &[&str]| TaxRules::parse(rules, Rate::default(), true);
        assert_eq!(parse(&["DE: 19%", "DE:7%"]), Err(BadRule::Twice("DE".to_owned())));
        for rule in ["DE 19%", "de: 19%", "DEU: 19%", ": 19%"] {
            assert_eq!(parse(&[rule]), Err(BadRule::Shape(rule.to_owned())));
        }
        assert!(matches!(parse(&["DE: much"]), Err(BadRule::Rate(_))));
    }

    #[test]
    fn shipping_is_taxed_like_the_goods_or_not_at_all() {
        let rules = |shipping| TaxRules::parse(&["DE: 19%"], Rate::default(), shipping).unwrap();
        assert_eq!(rules(true).on(eur(10_000), eur(500), "DE"), Ok(eur(1_995)));
        assert_eq!(rules(false).on(eur(10_000), eur(500), "DE"), Ok(eur(1_900)));
        assert_eq!(rules(true).on(eur(10_000), eur(500), "FR"), Ok(eur(0)), "elsewhere");
    }

    proptest! {
        #[test]
        fn every_rate_comes_back_from_its_text(points in 0_u32..=10_000) {
            let text = format!("{}.{:02}%", points / 100, points % 100);
            prop_assert_eq!(Rate::parse(&text).map(Rate::basis_points), Ok(points));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Ok(rate) = Rate::parse(&text) {
                prop_assert!(rate.basis_points() <= 10_000);
            }
        }
    }
}
