//! The settings of the service.

use crate::domain::pricing::PricingRules;
use chassis::config::{Mode, Problems, Validate, setting_enum, settings};

setting_enum! {
    /// Who leads a checkout.
    pub enum Leader {
        /// The orders service asks the others, step by step.
        Orchestration = "orchestration",
        /// Services react to each other's events.
        Choreography = "choreography",
    }
}

settings! {
    /// Carts, checkout, orders and their history.
    pub struct OrdersConfig {
        /// Milliseconds that a checkout is waited for before its answer says that it is still being processed.
        checkout_wait_ms: u64 = 3_000;
        /// What is sold in: a currency of ISO 4217. A product that costs another one is not sold.
        currency: String = "EUR".to_owned();
        /// What standard shipping costs, in the currency's smallest units.
        shipping_standard: i64 = 499;
        /// What express shipping costs, in the currency's smallest units.
        shipping_express: i64 = 1_299;
        /// What overnight shipping costs, in the currency's smallest units.
        shipping_overnight: i64 = 2_499;
        /// Goods of this much and more, in the currency's smallest units, are brought for nothing by standard shipping.
        /// Empty for never.
        free_shipping_from: Option<i64> = Some(5_000);
        /// The tax of each country that goods go to, such as `DE: 19%`. Prices are without tax.
        tax: Vec<String> = ["AT: 20%", "CH: 8.1%", "DE: 19%", "FR: 20%", "GB: 20%", "NL: 21%"].map(str::to_owned).to_vec();
        /// The tax of every other country.
        tax_elsewhere: String = "0%".to_owned();
        /// Whether shipping is taxed like the goods.
        tax_on_shipping: bool = true;
        /// Seconds after which a cart that is not changed is emptied.
        cart_ttl_secs: u64 = 7 * 86_400;
        /// Milliseconds that the catalog has to say what is in a cart; then the last prices that are known are shown, marked
        /// as such.
        cart_quote_ms: u64 = 1_000;
        /// Streams of order updates that this process keeps open at once; further ones are refused with 503.
        followers_max: usize = 10_000;
        /// Who leads a checkout: this service, step by step (orchestration), or services react to each other's events
        /// (choreography). Checkouts that have begun go on as they have begun.
        saga: Leader = Leader::Orchestration;
    }
}

impl Validate for OrdersConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("checkout_wait_ms", self.checkout_wait_ms, 0..=30_000);
        problems.range("cart_ttl_secs", self.cart_ttl_secs, 60..=366 * 86_400);
        problems.range("followers_max", self.followers_max, 1..=1_000_000);
        problems.range("cart_quote_ms", self.cart_quote_ms, 1..=30_000);
        if let Err(bad) = PricingRules::from_config(self) {
            problems.add(bad.field, bad.problem);
        }
    }
}
