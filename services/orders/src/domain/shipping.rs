//! What bringing an order to its buyer costs.

use contract::money::Money;
use contract::orders::ShippingMethod;

/// The prices of the methods, all of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingRules {
    /// In some days.
    pub standard: Money,
    /// In a few days.
    pub express: Money,
    /// Tomorrow.
    pub overnight: Money,
    /// Goods of this much and more are brought for nothing by the standard method; `None` for never.
    pub free_from: Option<Money>,
}

impl ShippingRules {
    /// What the method costs for goods of so much, which are of the currency of the rules.
    #[must_use]
    pub fn price(&self, method: ShippingMethod, goods: Money) -> Money {
        match method {
            ShippingMethod::Standard if self.free_from.is_some_and(|from| goods.amount >= from.amount) => {
                Money::zero(self.standard.currency)
            }
            ShippingMethod::Standard => self.standard,
            ShippingMethod::Express => self.express,
            ShippingMethod::Overnight => self.overnight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::money::Currency;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    #[test]
    fn only_the_standard_method_is_free_and_from_its_amount_on() {
        let rules = ShippingRules {
            standard: eur(499),
            express: eur(999),
            overnight: eur(1_999),
            free_from: Some(eur(5_000)),
        };
        assert_eq!(rules.price(ShippingMethod::Standard, eur(4_999)), eur(499));
        assert_eq!(rules.price(ShippingMethod::Standard, eur(5_000)), eur(0));
        assert_eq!(rules.price(ShippingMethod::Express, eur(5_000)), eur(999));
        assert_eq!(rules.price(ShippingMethod::Overnight, eur(5_000)), eur(1_999));
        let never = ShippingRules { free_from: None, ..rules };
        assert_eq!(never.price(ShippingMethod::Standard, eur(i64::MAX)), eur(499));
    }
}
