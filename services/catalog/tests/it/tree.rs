//! Categories and brands.

use crate::support::{Bench, Person, product, with};
use contract::ErrorCode;
use contract::catalog::{Brand, Category, CategoryNode, Product};
use contract::identity::Role;
use contract::ids::{BrandId, CategoryId};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

const CATEGORIES: &str = "/api/v1/categories";
const BRANDS: &str = "/api/v1/brands";

async fn category(who: &Person, name: &str, parent: Option<CategoryId>) -> Category {
    who.client.post(CATEGORIES, json!({"name": name, "parent": parent})).await.expect(201).data()
}

fn at(category: &Category) -> String {
    format!("{CATEGORIES}/{}", category.id)
}

/// The tree as one text: `Home(Light(Bulbs)) Garden`.
async fn drawn(bench: &Bench) -> String {
    fn draw(nodes: &[CategoryNode]) -> String {
        let one = |node: &CategoryNode| match node.children.is_empty() {
            true => node.name.clone(),
            false => format!("{}({})", node.name, draw(&node.children)),
        };
        nodes.iter().map(one).collect::<Vec<_>>().join(" ")
    }
    draw(&bench.nobody().get(CATEGORIES).await.expect(200).data::<Vec<CategoryNode>>())
}

async fn categories_are_a_tree(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    assert_eq!(drawn(&bench).await, "");
    let home = category(&root, "Home", None).await;
    let light = category(&root, "Light", Some(home.id)).await;
    let bulbs = category(&root, "Bulbs", Some(light.id)).await;
    let garden = category(&root, "Garden", None).await;
    assert_eq!(drawn(&bench).await, "Garden Home(Light(Bulbs))");
    let shown: Category = bench.nobody().get(&at(&bulbs)).await.expect(200).data();
    let path: Vec<&str> = shown.path.iter().map(|step| step.slug.as_str()).collect();
    assert_eq!((path, shown.slug.as_str(), shown.parent), (vec!["home", "light"], "bulbs", Some(light.id)));

    root.client.patch(&at(&light), json!({"parent": garden.id})).await.expect(200);
    assert_eq!(drawn(&bench).await, "Garden(Light(Bulbs)) Home");
    root.client
        .patch(&at(&light), json!({"parent": null, "name": "Lamps", "position": -1}))
        .await
        .expect(200);
    assert_eq!(drawn(&bench).await, "Lamps(Bulbs) Garden Home");
    let refused = root.client.patch(&at(&light), json!({"parent": bulbs.id})).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "parent");
    root.client.patch(&at(&light), json!({"parent": light.id})).await.expect(400);
    root.client.patch(&at(&light), json!({"parent": CategoryId::new()})).await.expect(400);
    root.client
        .patch(&at(&light), json!({"slug": "home"}))
        .await
        .expect(409)
        .refused(ErrorCode::AlreadyExists);
    assert_eq!(drawn(&bench).await, "Lamps(Bulbs) Garden Home");

    root.client.delete(&at(&light)).await.expect(409).refused(ErrorCode::Conflict);
    root.client.delete(&at(&bulbs)).await.expect(204);
    root.client.delete(&at(&light)).await.expect(204);
    root.client.delete(&at(&light)).await.expect(404).refused(ErrorCode::NotFound);
    assert_eq!(drawn(&bench).await, "Garden Home");
}

async fn categories_stand_six_deep_at_most(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    let mut parent = None;
    for depth in 1..=6 {
        parent = Some(category(&root, &format!("C{depth}"), parent).await.id);
    }
    let refused = root.client.post(CATEGORIES, json!({"name": "C7", "parent": parent})).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "parent");
}

async fn moves_at_once_make_no_circle(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    for round in 0..5 {
        let a = category(&root, &format!("A{round}"), None).await;
        let b = category(&root, &format!("B{round}"), None).await;
        let (into_b, into_a) = (json!({"parent": b.id}), json!({"parent": a.id}));
        let (path_a, path_b) = (at(&a), at(&b));
        let moved = join_all([root.client.patch(&path_a, into_b), root.client.patch(&path_b, into_a)]).await;
        let mut statuses: Vec<u16> = moved.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

async fn the_tree_is_changed_by_who_manages_the_catalog_and_has_seen_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    let home = category(&root, "Home", None).await;
    let brand: Brand = root.client.post(BRANDS, json!({"name": "Lumen"})).await.expect(201).data();
    let brand_path = format!("{BRANDS}/{}", brand.id);
    for role in [Role::User, Role::Vendor, Role::Moderator] {
        let person = bench.person(role);
        for (method, path) in [
            (Method::POST, CATEGORIES.to_owned()),
            (Method::PATCH, at(&home)),
            (Method::DELETE, at(&home)),
            (Method::POST, BRANDS.to_owned()),
            (Method::PATCH, brand_path.clone()),
            (Method::DELETE, brand_path.clone()),
        ] {
            let answer = person.client.request(method, &path).json(json!({"name": "X"})).send().await;
            answer.expect(403).refused(ErrorCode::Forbidden);
        }
    }
    for (path, tag) in [(at(&home), format!("\"{}\"", home.version)), (brand_path, "\"1\"".to_owned())] {
        let shown = bench.nobody().get(&path).await.expect(200);
        assert_eq!(shown.header("etag"), Some(tag.as_str()));
        let send = async |name: &str| {
            let ask = root.client.request(Method::PATCH, &path).header("if-match", &tag);
            ask.json(json!({"name": name})).send().await
        };
        let changed = send("New").await.expect(200);
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
        send("Newer").await.expect(412).refused(ErrorCode::PreconditionFailed);
        assert_eq!(bench.nobody().get(&path).await.expect(200).json()["data"]["name"], "New");
    }
}

async fn what_products_stand_in_is_not_removed(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (root, ada) = (bench.admin(), bench.vendor());
    let home = category(&root, "Home", None).await;
    let brand: Brand = root.client.post(BRANDS, json!({"name": "Lumen"})).await.expect(201).data();
    let brand_path = format!("{BRANDS}/{}", brand.id);
    let lamp = ada.make(with(product("A", "Lamp", 1), json!({"category": home.id, "brand": brand.id}))).await;
    for path in [at(&home), brand_path.clone()] {
        root.client.delete(&path).await.expect(409).refused(ErrorCode::Conflict);
    }
    for (field, id) in [("category", CategoryId::new().uuid()), ("brand", BrandId::new().uuid())] {
        let post = ada.client.post("/api/v1/products", with(product("B", "B", 1), json!({field: id}))).await;
        let patch = ada.client.patch(&format!("/api/v1/products/{}", lamp.id), json!({field: id})).await;
        for refused in [post, patch] {
            let error = refused.expect(400).refused(ErrorCode::Validation);
            assert_eq!(error.error.details[0].field, field);
        }
    }
    let none: Value = json!({"category": null, "brand": null});
    let bare: Product =
        ada.client.patch(&format!("/api/v1/products/{}", lamp.id), none).await.expect(200).data();
    assert_eq!((bare.category, bare.brand), (None, None));
    for path in [at(&home), brand_path] {
        root.client.delete(&path).await.expect(204);
    }
}

async fn brands_are_listed_by_name_and_found_by_its_beginning(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    for name in ["Zeta", "Élan", "elm & co", "Alpha"] {
        root.client.post(BRANDS, json!({"name": name})).await.expect(201);
    }
    let names = async |query: &str| {
        let brands: Vec<Brand> = bench.nobody().get(&format!("{BRANDS}{query}")).await.expect(200).data();
        brands.into_iter().map(|brand| brand.name).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names("").await, "Alpha, Élan, elm & co, Zeta");
    assert_eq!(names("?q=EL").await, "Élan, elm & co");
    assert_eq!(names("?q=elm%20%26").await, "elm & co");
    assert_eq!(names("?limit=1&page=2").await, "Élan");
    root.client
        .post(BRANDS, json!({"name": "X", "slug": "zeta"}))
        .await
        .expect(409)
        .refused(ErrorCode::AlreadyExists);
    bench
        .nobody()
        .get(&format!("{BRANDS}/{}", BrandId::new()))
        .await
        .expect(404)
        .refused(ErrorCode::NotFound);
}

on_both_engines!(
    categories_are_a_tree,
    categories_stand_six_deep_at_most,
    moves_at_once_make_no_circle,
    the_tree_is_changed_by_who_manages_the_catalog_and_has_seen_it,
    what_products_stand_in_is_not_removed,
    brands_are_listed_by_name_and_found_by_its_beginning,
);
