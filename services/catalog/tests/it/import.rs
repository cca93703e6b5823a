//! Products from a file.

use crate::support::{Bench, PRODUCTS, Person, at, product};
use catalog::Catalog;
use catalog::import::{Manner, Outcome, import};
use chassis::config::Sources;
use chassis::run::Platform;
use chassis::service::Registration;
use contract::catalog::{Brand, Category, PriceVersion, Product};
use serde_json::json;
use std::fmt::Write as _;
use testkit::Engine;

async fn start() -> Bench {
    Bench::start(Engine::Sqlite).await.unwrap()
}

/// What the command does with a file of this name and text, beside a platform that runs. A command has a runtime of its own.
async fn run(bench: &Bench, name: &str, text: &str, manner: Manner) -> anyhow::Result<Outcome> {
    let file = bench.service.folder().join(name);
    std::fs::write(&file, text)?;
    let settings = [("DATA_DIR".to_owned(), bench.service.folder().join("data").display().to_string())];
    let platform =
        Platform::load(&[Registration::of::<Catalog>()], Sources::from_parts(None, settings)).unwrap();
    tokio::task::spawn_blocking(move || import(platform, &file, manner, |_| {})).await.unwrap()
}

fn of(vendor: &Person) -> Manner {
    Manner { vendor: vendor.id, dry_run: false, skip_bad: false }
}

fn told(outcome: &Outcome) -> Vec<String> {
    outcome.problems.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_file_makes_products_and_the_same_file_again_changes_nothing() {
    let bench = start().await;
    let (ada, root) = (bench.vendor(), bench.admin());
    let light: Category =
        root.client.post("/api/v1/categories", json!({"name": "Light"})).await.expect(201).data();
    let brand: Brand = root.client.post("/api/v1/brands", json!({"name": "Lumen"})).await.expect(201).data();
    let text = "sku,name,price,currency,category,brand,attributes,active\n\
        L-1,Desk lamp,19.99,EUR,light,lumen,Colour=Walnut,true\n\
        L-2,Bulb,0.05,EUR,light,,,\n";
    let made = run(&bench, "a.csv", text, of(&ada)).await.unwrap();
    assert_eq!((made.lines, made.new, made.written, made.problems.len()), (2, 2, 2, 0));
    let lamp: Product = bench.nobody().get(&format!("{PRODUCTS}/by-slug/desk-lamp")).await.expect(200).data();
    assert_eq!((lamp.sku.as_str(), lamp.price.amount, lamp.vendor), ("L-1", 1999, ada.id));
    assert_eq!((lamp.category, lamp.brand), (Some(light.id), Some(brand.id)));
    assert_eq!(bench.count("SELECT COUNT(*) FROM product_price").await, 2);

    let again = run(&bench, "a.csv", text, of(&ada)).await.unwrap();
    assert_eq!((again.new, again.changed, again.same, again.written), (0, 0, 2, 0));
    let unchanged: Product = bench.nobody().get(&at(&lamp)).await.expect(200).data();
    assert_eq!(unchanged.version, 1);
}

#[tokio::test]
async fn products_are_known_again_by_their_number_and_keep_what_a_line_does_not_say() {
    let bench = start().await;
    let ada = bench.vendor();
    let lamp = ada.make(product("L-1", "Lamp", 100)).await;
    // A read puts it into the copies; the change of another process takes a moment to be heard of.
    let text = "\n{\"sku\": \"L-1\", \"price\": {\"amount\": 250, \"currency\": \"EUR\"}}\n\n{\"sku\": \"L-2\", \"name\": \"Vase\",\
        \"price\": {\"amount\": 5, \"currency\": \"EUR\"}, \"active\": false}\n";
    let outcome = run(&bench, "a.jsonl", text, of(&ada)).await.unwrap();
    assert_eq!((outcome.new, outcome.changed, outcome.same), (1, 1, 0));
    let changed: Product = ada.client.get(&at(&lamp)).await.expect(200).data();
    assert_eq!((changed.name.as_str(), changed.price.amount, changed.price_version), ("Lamp", 250, 2));
    let prices: Vec<PriceVersion> = ada.client.get(&format!("{}/prices", at(&lamp))).await.expect(200).data();
    assert_eq!(prices.iter().map(|price| price.by).collect::<Vec<_>>(), [ada.id, ada.id]);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product WHERE active").await, 1);
}

#[tokio::test]
async fn a_file_in_which_a_line_is_wrong_changes_nothing_unless_it_is_to_be_skipped() {
    let bench = start().await;
    let (ada, eve) = (bench.vendor(), bench.vendor());
    eve.make(product("THEIRS", "Lamp", 100)).await;
    let text = r#"[
        {"sku": "A", "name": "Good", "price": {"amount": 1, "currency": "EUR"}},
        {"sku": "B", "name": "Free", "price": {"amount": 0, "currency": "EUR"}, "category": "nowhere"},
        {"sku": "C", "price": {"amount": 1, "currency": "EUR"}, "brand": "nobody"},
        {"sku": "A", "name": "Twice", "price": {"amount": 1, "currency": "EUR"}},
        {"sku": "THEIRS", "price": {"amount": 1, "currency": "EUR"}},
        {"sku": "D", "name": "D", "price": {"amount": 1, "currency": "EUR"}, "slug": "lamp"},
        {"sku": "E", "colour": "red"},
        {"sku": "F", "name": "F", "price": {"amount": 1, "currency": "EUR"}, "images": [{"url": "no"}]}
    ]"#;
    let outcome = run(&bench, "a.json", text, of(&ada)).await.unwrap();
    let expected = [
        "line 3: category: no category has this slug",
        "line 3: price: amount must be above 0",
        "line 4: brand: no brand has this slug",
        "line 4: name: is required for a product that is new",
        "line 5: sku: stands in line 2 too",
        "line 6: sku: is the number of another vendor's product",
        "line 7: slug: is the slug of another product",
    ];
    assert_eq!(told(&outcome)[..7], expected);
    assert!(told(&outcome)[7].starts_with("line 8: colour: unknown field"), "{:?}", told(&outcome));
    assert!(told(&outcome)[8].starts_with("line 9: images[0].url: "), "{:?}", told(&outcome));
    assert!(outcome.refused && outcome.written == 0);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product").await, 1);

    let dry = Manner { dry_run: true, skip_bad: true, ..of(&ada) };
    let outcome = run(&bench, "a.json", text, dry).await.unwrap();
    assert_eq!((outcome.new, outcome.written), (1, 0));
    assert_eq!(bench.count("SELECT COUNT(*) FROM product").await, 1);

    let skip = Manner { skip_bad: true, ..of(&ada) };
    let outcome = run(&bench, "a.json", text, skip).await.unwrap();
    assert_eq!((outcome.new, outcome.written, outcome.refused), (1, 1, false));
    assert_eq!(bench.count("SELECT COUNT(*) FROM product WHERE sku = 'A' AND name = 'Good'").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product").await, 2);
}

#[tokio::test]
async fn a_large_file_is_written_in_parts_with_an_event_for_each_product() {
    let bench = start().await;
    let ada = bench.vendor();
    let mut text = "sku;name;price;currency\n".to_owned();
    for n in 1..=250 {
        writeln!(text, "N-{n};Number {n};{n}.50;EUR").unwrap();
    }
    let outcome = run(&bench, "a.csv", &text, of(&ada)).await.unwrap();
    assert_eq!((outcome.lines, outcome.checked, outcome.written, outcome.new), (250, 250, 250, 250));
    let listed = bench.nobody().get(&format!("{PRODUCTS}?search=number&limit=1")).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 250);
}

#[tokio::test]
async fn what_is_no_file_of_products_is_refused() {
    let bench = start().await;
    let ada = bench.vendor();
    for (name, text) in [("a.txt", "sku\nA\n"), ("a.csv", "name,price\nA,1\n"), ("a.json", "[{\"sku\":")] {
        assert!(run(&bench, name, text, of(&ada)).await.is_err(), "{name}");
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM product").await, 0);
}
