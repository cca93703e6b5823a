//! What an order comes to: its goods, shipping and tax, from the server's own prices and rules.
//!
//! What must hold: nothing here is a client's; the total is the sum of its parts; amounts that do not fit or are of
//! another currency are an error and not another amount.

use super::shipping::ShippingRules;
use super::tax::{BadRule, Rate, TaxRules};
use crate::config::OrdersConfig;
use contract::catalog::Quoted;
use contract::money::{Currency, Money, MoneyError};
use contract::orders::{OrderLine, ShippingMethod, Totals};

/// The shop's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricingRules {
    /// What is sold in.
    pub currency: Currency,
    /// What shipping costs.
    pub shipping: ShippingRules,
    /// What tax is taken.
    pub tax: TaxRules,
}

/// A setting that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct BadSetting {
    /// The setting.
    pub field: &'static str,
    /// What is wrong with it, continuing its name.
    pub problem: String,
}

impl PricingRules {
    /// The rules of the settings.
    ///
    /// # Errors
    /// The first setting that is no rule.
    pub fn from_config(config: &OrdersConfig) -> Result<Self, BadSetting> {
        let of = |field| move |bad: BadRule| BadSetting { field, problem: bad.to_string() };
        let currency = Currency::parse(&config.currency).ok_or_else(|| BadSetting {
            field: "currency",
            problem: "must be a currency of ISO 4217, such as EUR".to_owned(),
        })?;
        let amount = |field, amount: i64| {
            let problem = || format!("must be from 0 to {MOST_SHIPPING}, not {amount}");
            let fits = (0..=MOST_SHIPPING).contains(&amount);
            fits.then(|| Money::new(amount, currency)).ok_or_else(|| BadSetting { field, problem: problem() })
        };
        let free_from = config.free_shipping_from.map(|from| amount("free_shipping_from", from));
        let shipping = ShippingRules {
            standard: amount("shipping_standard", config.shipping_standard)?,
            express: amount("shipping_express", config.shipping_express)?,
            overnight: amount("shipping_overnight", config.shipping_overnight)?,
            free_from: free_from.transpose()?,
        };
        let elsewhere = Rate::parse(&config.tax_elsewhere).map_err(of("tax_elsewhere"))?;
        let tax = TaxRules::parse(&config.tax, elsewhere, config.tax_on_shipping).map_err(of("tax"))?;
        Ok(Self { currency, shipping, tax })
    }
}

/// No parcel costs more, and no shop gives it away only above more, in smallest units.
const MOST_SHIPPING: i64 = 1_000_000_000;

/// A line of an order: a product as it is sold at this moment, so many times.
///
/// # Errors
/// When the line does not come to an amount.
pub fn line(quoted: Quoted, quantity: u32) -> Result<OrderLine, MoneyError> {
    let Quoted { product, sku, name, price, price_version, category, image, .. } = quoted;
    let subtotal = price.times(quantity)?;
    Ok(OrderLine {
        product,
        sku,
        name,
        unit_price: price,
        price_version,
        quantity,
        subtotal,
        category,
        image,
    })
}

/// What lines come to when they go to a country (two letters of ISO 3166-1) by this method.
///
/// # Errors
/// When a line is of another currency than the shop's, or the sum is too large.
pub fn totals(
    lines: &[OrderLine],
    method: ShippingMethod,
    country: &str,
    rules: &PricingRules,
) -> Result<Totals, MoneyError> {
    let subtotal = subtotal(lines.iter().map(|line| (line.unit_price, line.quantity)), rules.currency)?;
    let shipping = rules.shipping.price(method, subtotal);
    let tax = rules.tax.on(subtotal, shipping, country)?;
    let total = Money::sum(rules.currency, [subtotal, shipping, tax])?;
    Ok(Totals { subtotal, shipping, tax, total })
}

/// What goods come to, each a price and how many of it.
///
/// # Errors
/// When one is of another currency, or the sum is too large.
pub fn subtotal(
    goods: impl IntoIterator<Item = (Money, u32)>,
    currency: Currency,
) -> Result<Money, MoneyError> {
    goods
        .into_iter()
        .try_fold(Money::zero(currency), |sum, (price, quantity)| sum.plus(price.times(quantity)?))
}

#[cfg(test)]
#[path = "pricing_tests.rs"]
mod tests;
