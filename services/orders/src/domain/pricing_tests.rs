use super::*;
use contract::ids::ProductId;
use proptest::prelude::*;

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn rules() -> PricingRules {
    PricingRules::from_config(&OrdersConfig::default()).unwrap()
}

fn sold(price: Money, quantity: u32) -> OrderLine {
    let quoted = Quoted {
        product: ProductId::new(),
        sku: "S-1".to_owned(),
        name: "Something".to_owned(),
        price,
        price_version: 1,
        active: true,
        category: None,
        image: None,
    };
    line(quoted, quantity).unwrap()
}

#[test]
fn an_order_comes_to_goods_and_shipping_and_tax() {
    let lines = [sold(eur(1_999), 2), sold(eur(5), 3)];
    let totals = totals(&lines, ShippingMethod::Standard, "DE", &rules()).unwrap();
    assert_eq!((totals.subtotal, totals.shipping), (eur(4_013), eur(499)));
    assert_eq!(totals.tax, eur(857), "19 % of 45.12 is 8.5728");
    assert_eq!(totals.total, eur(5_369));
}

#[test]
fn goods_of_another_currency_are_not_sold() {
    let dollars = sold(Money::new(1, Currency::USD), 1);
    let refused = totals(&[sold(eur(1), 1), dollars], ShippingMethod::Express, "DE", &rules());
    assert_eq!(refused, Err(MoneyError::Currencies(Currency::EUR, Currency::USD)));
}

#[test]
fn what_is_too_large_is_an_error_and_not_another_amount() {
    let line = OrderLine { quantity: 2, ..sold(eur(i64::MAX), 1) };
    assert_eq!(totals(&[line], ShippingMethod::Standard, "DE", &rules()), Err(MoneyError::TooLarge));
}

#[test]
fn the_sum_of_a_line_is_not_believed() {
    let forged = OrderLine { subtotal: eur(1), ..sold(eur(1_000), 3) };
    assert_eq!(totals(&[forged], ShippingMethod::Express, "US", &rules()).unwrap().subtotal, eur(3_000));
}

#[test]
fn a_setting_that_is_no_rule_is_named() {
    let field = |config: OrdersConfig| PricingRules::from_config(&config).unwrap_err().field;
    let usual = OrdersConfig::default;
    assert_eq!(field(OrdersConfig { currency: "EURO".to_owned(), ..usual() }), "currency");
    assert_eq!(field(OrdersConfig { shipping_standard: -1, ..usual() }), "shipping_standard");
    assert_eq!(field(OrdersConfig { shipping_express: i64::MAX, ..usual() }), "shipping_express");
    assert_eq!(field(OrdersConfig { shipping_overnight: -1, ..usual() }), "shipping_overnight");
    assert_eq!(field(OrdersConfig { free_shipping_from: Some(-1), ..usual() }), "free_shipping_from");
    assert_eq!(field(OrdersConfig { tax: vec!["DE".to_owned()], ..usual() }), "tax");
    assert_eq!(field(OrdersConfig { tax_elsewhere: "much".to_owned(), ..usual() }), "tax_elsewhere");
}

prop_compose! {
    fn goods()(
        lines in prop::collection::vec((0_i64..=1_000_000_000_000, 1_u32..=100), 1..=50),
    ) -> Vec<OrderLine> {
        lines.into_iter().map(|(price, quantity)| sold(eur(price), quantity)).collect()
    }
}

fn method() -> impl Strategy<Value = ShippingMethod> {
    prop::sample::select(ShippingMethod::ALL)
}

fn country() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["DE", "CH", "GB", "US", "ZZ"])
}

proptest! {
    #[test]
    fn the_largest_order_fits_and_its_total_is_the_sum_of_its_parts(
        lines in goods(), method in method(), country in country(),
    ) {
        let totals = totals(&lines, method, country, &rules()).unwrap();
        let parts = [totals.subtotal, totals.shipping, totals.tax];
        prop_assert_eq!(totals.total.amount, parts.iter().map(|part| part.amount).sum::<i64>());
        prop_assert!(parts.iter().all(|part| part.amount >= 0));
        let lines = lines.iter().map(|line| line.subtotal.amount).sum::<i64>();
        prop_assert_eq!(totals.subtotal.amount, lines, "each line says what it adds");
    }

    #[test]
    fn the_order_of_lines_and_splitting_one_change_nothing(
        lines in goods(), method in method(), country in country(), at in any::<prop::sample::Index>(),
    ) {
        let whole = totals(&lines, method, country, &rules());
        let mut other: Vec<OrderLine> = lines.into_iter().rev().collect();
        let at = at.index(other.len());
        let split = other[at].clone();
        if split.quantity > 1 {
            other[at] = OrderLine { quantity: split.quantity - 1, ..split.clone() };
            other.push(OrderLine { quantity: 1, ..split });
        }
        prop_assert_eq!(totals(&other, method, country, &rules()), whole);
    }

    #[test]
    fn one_more_of_something_never_makes_the_goods_cheaper(
        lines in goods(), country in country(), price in 0_i64..1_000_000,
    ) {
        let before = totals(&lines, ShippingMethod::Express, country, &rules()).unwrap();
        let more: Vec<_> = lines.into_iter().chain([sold(eur(price), 1)]).collect();
        let after = totals(&more, ShippingMethod::Express, country, &rules()).unwrap();
        prop_assert!(after.total.amount >= before.total.amount);
        prop_assert!(after.tax.amount >= before.tax.amount);
    }
}
