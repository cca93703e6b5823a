//! Full text, filters, order and pages: the same answers on both engines.

use crate::support::{Bench, PRODUCTS, Person, at, product, with};
use contract::ErrorCode;
use contract::catalog::{Brand, Category, Product};
use contract::identity::Role;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Engine, on_both_engines};

/// The numbers of the products that a list has, in its order.
async fn listed(client: &Client, query: &str) -> String {
    let products: Vec<Product> = client.get(&format!("{PRODUCTS}?{query}")).await.expect(200).data();
    products.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>().join(" ")
}

async fn make(bench: &Bench, vendor: &Person, body: Value) -> Product {
    bench.service.clock().advance(Duration::from_secs(1));
    vendor.make(body).await
}

async fn words_are_found_from_their_beginning_all_of_them_and_without_accents(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, nobody) = (bench.vendor(), bench.nobody());
    for (sku, name, description, colour) in [
        ("A1", "Crème Brûlée set", "Four ramekins and a torch", "White"),
        ("A2", "Kitchen torch", "For crème brûlée and more", "Steel"),
        ("A3", "Straßenlampe", "An outdoor lamp", "Bordeaux"),
        ("A4", "Лампа настольная", "Светит тепло", "Walnut"),
        ("X-77/b", "USB-C cable 3.5m", "Men's best", "Black"),
    ] {
        let attributes = json!([{"name": "Colour", "value": colour}]);
        let more = json!({"description": description, "attributes": attributes});
        make(&bench, &ada, with(product(sku, name, 100), more)).await;
    }
    let find = async |words: &str| listed(&nobody, &format!("search={words}")).await;
    assert_eq!(find("creme").await, "A1 A2", "in the name before elsewhere");
    assert_eq!(find("CR%C3%88ME%20br").await, "A1 A2");
    assert_eq!(find("torch%20creme").await, "A2 A1", "all words, anywhere, the newest of equals first");
    assert_eq!(find("torch%20lamp").await, "");
    assert_eq!(find("strassen").await, "A3");
    assert_eq!(find("stra%C3%9Fenl").await, "A3");
    assert_eq!(find("orch").await, "", "not from the middle");
    assert_eq!(find("%D0%BB%D0%B0%D0%BC").await, "A4");
    assert_eq!(find("walnut").await, "A4", "attributes");
    assert_eq!(find("x-77").await, "X-77/b", "the number in the warehouse");
    assert_eq!(find("mens").await, "X-77/b");
    assert_eq!(find("3.5").await, "X-77/b");
    // What means something to a query means nothing here.
    for words in
        ["creme%27%20OR%201=1", "%22creme", "creme*)", "name_words:creme", "%27:*%20|%20!a", "a%20NEAR%20b"]
    {
        nobody.get(&format!("{PRODUCTS}?search={words}")).await.expect(200);
    }
    assert_eq!(find("%22cr%C3%A8me%22*%20(").await, "A1 A2");
    let refused = nobody.get(&format!("{PRODUCTS}?search=%22%27")).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "search");
}

async fn what_is_changed_is_found_by_what_it_is_now(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, root, nobody) = (bench.vendor(), bench.admin(), bench.nobody());
    let brand: Brand =
        root.client.post("/api/v1/brands", json!({"name": "Lumière"})).await.expect(201).data();
    let lamp = ada.make(with(product("A", "Lamp", 100), json!({"brand": brand.id}))).await;
    let bare = ada.make(product("B", "Vase", 100)).await;
    let find = async |words: &str| listed(&nobody, &format!("search={words}")).await;
    assert_eq!(find("lumiere").await, "A", "by the brand");
    ada.client.patch(&at(&bare), json!({"brand": brand.id})).await.expect(200);
    assert_eq!(find("lumiere%20vase").await, "B");
    root.client.patch(&format!("/api/v1/brands/{}", brand.id), json!({"name": "Obscur"})).await.expect(200);
    assert_eq!(find("lumiere").await, "");
    assert_eq!(find("obscur%20lamp").await, "A");
    ada.client.patch(&at(&lamp), json!({"name": "Torch", "brand": null})).await.expect(200);
    assert_eq!(
        (find("lamp").await, find("obscur").await, find("torch").await),
        (String::new(), "B".into(), "A".into())
    );
    ada.client.patch(&at(&lamp), json!({"price": {"amount": 5, "currency": "EUR"}})).await.expect(200);
    assert_eq!(find("torch").await, "A");
    ada.client.delete(&at(&lamp)).await.expect(204);
    assert_eq!(find("torch").await, "");
}

async fn what_fits_best_is_first(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, nobody) = (bench.vendor(), bench.nobody());
    make(&bench, &ada, product("exact", "Lamp", 100)).await;
    make(&bench, &ada, product("begins", "Lamp of glass", 100)).await;
    make(&bench, &ada, product("has", "Glass lamp", 100)).await;
    make(&bench, &ada, product("begins-too", "Lamps", 100)).await;
    make(&bench, &ada, with(product("tells", "Shade", 100), json!({"description": "for a lamp"}))).await;
    let best = "exact begins-too begins has tells";
    assert_eq!(listed(&nobody, "search=lamp").await, best);
    assert_eq!(listed(&nobody, "search=LAMP&sort=relevance").await, best);
    assert_eq!(listed(&nobody, "search=lamp&sort=-relevance").await, "tells has begins begins-too exact");
    assert_eq!(listed(&nobody, "search=lamp&sort=-createdAt&limit=2").await, "tells begins-too");
    nobody.get(&format!("{PRODUCTS}?sort=relevance")).await.expect(400).refused(ErrorCode::Validation);
}

async fn products_are_filtered(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve, root) = (bench.vendor(), bench.vendor(), bench.admin());
    let make_category = async |body: Value| -> Category {
        root.client.post("/api/v1/categories", body).await.expect(201).data()
    };
    let home = make_category(json!({"name": "Home"})).await;
    let light = make_category(json!({"name": "Light", "parent": home.id})).await;
    let bulbs = make_category(json!({"name": "Bulbs", "parent": light.id})).await;
    let brand: Brand = root.client.post("/api/v1/brands", json!({"name": "Lumen"})).await.expect(201).data();
    make(&bench, &ada, with(product("A", "Bulb", 100), json!({"category": bulbs.id, "brand": brand.id})))
        .await;
    make(&bench, &ada, with(product("B", "Lamp", 200), json!({"category": light.id}))).await;
    make(&bench, &eve, with(product("C", "Sofa", 300), json!({"category": home.id}))).await;
    make(&bench, &eve, product("D", "Book", 400)).await;
    make(&bench, &eve, with(product("E", "Old", 500), json!({"active": false}))).await;
    make(&bench, &ada, with(product("F", "Older", 600), json!({"active": false}))).await;
    make(&bench, &root, with(product("G", "Star", 700), json!({"featured": true}))).await;
    make(&bench, &ada, json!({"sku": "H", "name": "Dollar", "price": {"amount": 100, "currency": "USD"}}))
        .await;
    let nobody = bench.nobody();
    let list = async |query: String| listed(&nobody, &format!("sort=createdAt&{query}")).await;
    assert_eq!(list(String::new()).await, "A B C D G H");
    assert_eq!(list(format!("category={}", home.id)).await, "A B C", "with all below it");
    assert_eq!(list(format!("category={}", light.id)).await, "A B");
    assert_eq!(list(format!("category={}&maxPrice=100", light.id)).await, "A");
    assert_eq!(list(format!("brand={}", brand.id)).await, "A");
    assert_eq!(list(format!("vendor={}", eve.id)).await, "C D", "nothing that is not sold");
    assert_eq!(list("minPrice=200&maxPrice=300".to_owned()).await, "B C");
    assert_eq!(list("currency=USD".to_owned()).await, "H");
    assert_eq!(list("featured=true".to_owned()).await, "G");
    assert_eq!(list("featured=false&minPrice=400".to_owned()).await, "D");
    assert_eq!(list(format!("category={}&search=lamp", home.id)).await, "B");
    // What is not sold: all for who manages the catalog, their own for a vendor, nothing for others.
    assert_eq!(listed(&root.client, "sort=createdAt&active=false").await, "E F");
    assert_eq!(listed(&root.client, "sort=createdAt&active=any").await, "A B C D E F G H");
    assert_eq!(listed(&ada.client, "sort=createdAt&active=false").await, "F");
    assert_eq!(listed(&ada.client, "sort=createdAt&active=any").await, "A B F H");
    assert_eq!(listed(&ada.client, &format!("active=any&vendor={}", eve.id)).await, "");
    for client in [&nobody, &bench.person(Role::User).client] {
        for active in ["any", "false"] {
            let refused = client.get(&format!("{PRODUCTS}?active={active}")).await.expect(403);
            refused.refused(ErrorCode::Forbidden);
        }
    }
}

async fn pages_by_number_and_by_cursor_have_the_same_rows(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, nobody) = (bench.vendor(), bench.nobody());
    for (index, (name, cents)) in [
        ("émeu", 300),
        ("Zoo", 100),
        ("ant", 200),
        ("Ant", 200),
        ("Émeu 2", 300),
        ("bee lamp", 50),
        ("lamp", 50),
    ]
    .into_iter()
    .enumerate()
    {
        make(&bench, &ada, product(&format!("P{index}"), name, cents)).await;
    }
    for (order, rows) in [
        ("sort=name", "P2 P3 P5 P0 P4 P6 P1"),
        ("sort=-name", "P1 P6 P4 P0 P5 P3 P2"),
        ("sort=price", "P5 P6 P1 P2 P3 P0 P4"),
        ("sort=-price", "P4 P0 P3 P2 P1 P6 P5"),
        ("sort=createdAt", "P0 P1 P2 P3 P4 P5 P6"),
        ("search=lamp", "P6 P5"),
        ("limit=20", "P6 P5 P4 P3 P2 P1 P0"),
    ] {
        assert_eq!(listed(&nobody, order).await, rows, "{order}");
        let limit =
            |order: &str, more: String| format!("{}&limit=1{more}", order.replace("limit=20", "page=1"));
        let (mut by_number, mut by_cursor) = (Vec::new(), Vec::new());
        let mut cursor: Option<String> = None;
        for page in 1..=rows.split(' ').count() {
            let number = limit(&order.replace("limit=20", "featured=false"), format!("&page={page}"));
            by_number.push(listed(&nobody, &number).await);
            let more = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("{PRODUCTS}?{}", limit(order, more));
            let answer = nobody.get(&path).await.expect(200);
            by_cursor.extend(answer.data::<Vec<Product>>().into_iter().map(|product| product.sku));
            cursor = answer.json()["pagination"]["cursor"].as_str().map(str::to_owned);
        }
        assert_eq!((by_number.join(" "), by_cursor.join(" ")), (rows.to_owned(), rows.to_owned()), "{order}");
        assert_eq!(cursor, None, "{order}: nothing is behind the last one");
    }
    let place = nobody.get(&format!("{PRODUCTS}?page=2&limit=3")).await.expect(200).json();
    let place = &place["pagination"];
    assert_eq!((&place["total"], &place["pages"], &place["hasNext"]), (&json!(7), &json!(3), &json!(true)));
}

async fn what_is_made_meanwhile_moves_no_row_of_a_list_that_is_read_by_cursor(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, nobody) = (bench.vendor(), bench.nobody());
    for sku in ["A", "B", "C", "D"] {
        make(&bench, &ada, product(sku, sku, 100)).await;
    }
    let first = nobody.get(&format!("{PRODUCTS}?limit=2")).await.expect(200).json();
    let cursor = first["pagination"]["cursor"].as_str().unwrap().to_owned();
    make(&bench, &ada, product("E", "E", 100)).await;
    assert_eq!(listed(&nobody, &format!("limit=2&cursor={cursor}")).await, "B A");
    assert_eq!(listed(&nobody, "limit=2&page=2").await, "C B", "a page by number is moved");
    // A cursor is of its own order.
    for query in
        [format!("sort=price&cursor={cursor}"), format!("cursor={cursor}&page=2"), "cursor=AAAA".to_owned()]
    {
        nobody.get(&format!("{PRODUCTS}?{query}")).await.expect(400).refused(ErrorCode::Validation);
    }
}

async fn a_list_that_has_not_changed_is_not_sent_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, nobody) = (bench.vendor(), bench.nobody());
    let lamp = ada.make(product("A", "Lamp", 100)).await;
    let tag = nobody.get(PRODUCTS).await.expect(200).header("etag").unwrap().to_owned();
    let again = async || {
        nobody.request(http::Method::GET, PRODUCTS).header("if-none-match", &tag).send().await.status.as_u16()
    };
    assert_eq!(again().await, 304);
    ada.client.patch(&at(&lamp), json!({"price": {"amount": 5, "currency": "EUR"}})).await.expect(200);
    assert_eq!(again().await, 200);
}

async fn what_a_list_does_not_know_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    for (query, field) in [
        ("sort=vendor", "sort"),
        ("sort=price;DROP%20TABLE%20product", "sort"),
        ("order=asc", "order"),
        ("category=lamps", "category"),
        ("minPrice=1.5", "minPrice"),
        ("minPrice=-1", "minPrice"),
        ("currency=euro", "currency"),
        ("active=yes", "active"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("search=", "search"),
    ] {
        let refused = bench.nobody().get(&format!("{PRODUCTS}?{query}")).await.expect(400);
        let error = refused.refused(ErrorCode::Validation);
        assert_eq!(error.error.details[0].field, field, "{query}: {error:?}");
    }
}

on_both_engines!(
    words_are_found_from_their_beginning_all_of_them_and_without_accents,
    what_is_changed_is_found_by_what_it_is_now,
    what_fits_best_is_first,
    products_are_filtered,
    pages_by_number_and_by_cursor_have_the_same_rows,
    what_is_made_meanwhile_moves_no_row_of_a_list_that_is_read_by_cursor,
    a_list_that_has_not_changed_is_not_sent_again,
    what_a_list_does_not_know_is_refused,
);
