use super::*;
use proptest::prelude::*;

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn quoted(product: ProductId, price: Money, active: bool) -> Quoted {
    Quoted {
        product,
        sku: "S-1".to_owned(),
        name: "Kettle".to_owned(),
        price,
        price_version: 2,
        active,
        category: None,
        image: Some("/kettle.jpg".to_owned()),
    }
}

fn live(quoted: impl IntoIterator<Item = Quoted>, gone: &[ProductId]) -> Prices {
    let found: HashMap<_, _> = quoted.into_iter().map(|quoted| (quoted.product, quoted)).collect();
    Prices::Live { asked: found.keys().chain(gone).copied().collect(), found }
}

fn known(price: Money) -> Known {
    Known { name: "Old kettle".to_owned(), image: None, price, price_version: 1 }
}

#[test]
fn a_product_stands_in_a_cart_once() {
    let (mut lines, product) = (Lines::default(), ProductId::new());
    lines.add(product, 2).unwrap();
    lines.add(product, 3).unwrap();
    assert_eq!(lines.as_slice(), [Line { product, quantity: 5 }]);
    lines.set(product, 0).unwrap();
    lines.set(ProductId::new(), 0).unwrap();
    assert_eq!(lines.as_slice(), []);
}

#[test]
fn a_cart_takes_so_many_and_no_more() {
    let (mut lines, product) = (Lines::default(), ProductId::new());
    lines.add(product, MOST_OF_ONE).unwrap();
    assert_eq!(lines.add(product, 1), Err(CartRule::TooMany));
    assert_eq!(lines.add(product, u32::MAX), Err(CartRule::TooMany));
    for _ in 1..MOST_LINES {
        lines.add(ProductId::new(), 1).unwrap();
    }
    assert_eq!(lines.add(ProductId::new(), 1), Err(CartRule::Full));
    lines.set(product, 1).unwrap();
    assert_eq!(lines.as_slice().len(), MOST_LINES, "what is in it can still be changed");
}

#[test]
fn carts_that_do_not_fit_together_stay_as_they_are() {
    let full =
        || Lines::new((0..MOST_LINES).map(|_| Line { product: ProductId::new(), quantity: 1 }).collect());
    let (mut lines, other) = (full(), full());
    let before = lines.clone();
    assert_eq!(lines.merge(&other), Err(CartRule::Full));
    assert_eq!(lines, before);
    let double = before.clone();
    lines.merge(&double).unwrap();
    assert!(lines.as_slice().iter().all(|line| line.quantity == 2));
}

#[test]
fn a_line_shows_the_price_of_this_moment() {
    let line = Line { product: ProductId::new(), quantity: 3 };
    let prices = live([quoted(line.product, eur(250), true)], &[]);
    let shown = show(line, &prices, Some(&known(eur(100))), Currency::EUR);
    assert_eq!((shown.state, shown.stale), (CartLineState::ForSale, false));
    assert_eq!((shown.unit_price, shown.subtotal), (Some(eur(250)), Some(eur(750))));
    assert_eq!(shown.name.as_deref(), Some("Kettle"));
}

#[test]
fn while_the_catalog_is_away_the_last_that_is_known_is_shown_and_marked() {
    let line = Line { product: ProductId::new(), quantity: 2 };
    let shown = show(line, &Prices::Away, Some(&known(eur(100))), Currency::EUR);
    assert_eq!((shown.state, shown.stale), (CartLineState::Unknown, true));
    assert_eq!((shown.unit_price, shown.subtotal), (Some(eur(100)), Some(eur(200))));
    assert_eq!(subtotal(&[shown], Currency::EUR), Some(eur(200)));
}

#[test]
fn what_is_not_known_is_absent_and_never_nothing() {
    let line = Line { product: ProductId::new(), quantity: 2 };
    let shown = show(line, &Prices::Away, None, Currency::EUR);
    assert_eq!((shown.unit_price, shown.subtotal, shown.name.as_deref()), (None, None, None));
    let json = serde_json::to_value(&shown).unwrap();
    assert!(json.get("unitPrice").is_none() && json.get("subtotal").is_none(), "{json}");
    let other = show(line, &live([quoted(line.product, eur(5), true)], &[]), None, Currency::EUR);
    assert_eq!(
        subtotal(&[shown, other], Currency::EUR),
        None,
        "a sum that leaves something out would be a lie"
    );
}

#[test]
fn what_is_not_sold_is_named_and_not_counted() {
    let line = |product| Line { product, quantity: 1 };
    let (idle, gone, foreign) = (ProductId::new(), ProductId::new(), ProductId::new());
    let dollars = Money::new(5, Currency::USD);
    let prices = live([quoted(idle, eur(5), false), quoted(foreign, dollars, true)], &[gone]);
    for product in [idle, gone, foreign] {
        let shown = show(line(product), &prices, Some(&known(eur(7))), Currency::EUR);
        assert_eq!((shown.state, shown.subtotal), (CartLineState::NotForSale, None), "{product}");
        assert!(shown.name.is_some());
        assert_eq!(subtotal(&[shown], Currency::EUR), Some(eur(0)), "nothing in it can be bought");
    }
    let shown = show(line(gone), &prices, Some(&known(eur(7))), Currency::EUR);
    assert_eq!(shown.unit_price, None, "nobody sells it at any price");
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize, u32),
    Set(usize, u32),
    Merge(Vec<(usize, u32)>),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || (0_usize..70, 1_u32..=120);
    prop_oneof![
        some().prop_map(|(product, more)| Step::Add(product, more)),
        (0_usize..70, 0_u32..=120).prop_map(|(product, quantity)| Step::Set(product, quantity)),
        prop::collection::vec(some(), 0..60).prop_map(Step::Merge),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_a_cart_keeps_its_rules_and_a_refusal_changes_nothing(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let products: Vec<ProductId> = (0..70).map(|_| ProductId::new()).collect();
        let mut cart = Lines::default();
        for step in steps {
            let before = cart.clone();
            let done = match step {
                Step::Add(product, more) => cart.add(products[product], more),
                Step::Set(product, quantity) => cart.set(products[product], quantity),
                Step::Merge(other) => {
                    let mut lines = Lines::default();
                    for (product, quantity) in other {
                        // One that is too much is left out.
                        lines.set(products[product], quantity).unwrap_or_default();
                    }
                    cart.merge(&lines)
                }
            };
            if done.is_err() {
                prop_assert_eq!(&cart, &before);
            }
            prop_assert!(cart.as_slice().len() <= MOST_LINES);
            prop_assert!(cart.as_slice().iter().all(|line| (1..=MOST_OF_ONE).contains(&line.quantity)));
            let once: HashSet<_> = cart.products().collect();
            prop_assert_eq!(once.len(), cart.as_slice().len());
        }
    }
}
