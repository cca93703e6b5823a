//! Carts: whose they are, what they take, and that no change is lost.

use crate::shop::{CART, ITEMS, Shop, held, with_cart};
use chassis::db::q;
use contract::ErrorCode;
use contract::ids::ProductId;
use contract::orders::Cart;
use futures_util::future::join_all;
use http::Method;
use orders::domain::shopper::Shopper;
use orders::store::cart;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

const MERGE: &str = "/api/v1/cart/merge";

fn item(product: ProductId) -> String {
    format!("{ITEMS}/{product}")
}

async fn a_cart_is_filled_changed_and_emptied(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, mug) = (shop.shelf.put("kettle", 4_999), shop.shelf.put("mug", 850));
    let ada = shop.person();
    assert_eq!((ada.cart().await.version, ada.cart().await.items.len()), (0, 0));
    ada.add(kettle, 1).await;
    ada.add(mug, 2).await;
    let cart = ada.add(kettle, 1).await;
    assert_eq!(held(&cart), [(kettle, 2), (mug, 2)], "a product stands once, where it was first put");
    assert_eq!((cart.version, cart.quantity), (3, 4));
    assert_eq!(cart.subtotal.unwrap().amount, 2 * 4_999 + 2 * 850);
    let cart: Cart = ada.client.put(&item(mug), json!({"quantity": 5})).await.expect(200).data();
    assert_eq!(held(&cart), [(kettle, 2), (mug, 5)]);
    let cart: Cart = ada.client.put(&item(kettle), json!({"quantity": 0})).await.expect(200).data();
    assert_eq!(held(&cart), [(mug, 5)]);
    let cart: Cart = ada.client.delete(&item(mug)).await.expect(200).data();
    assert_eq!((cart.items.len(), cart.subtotal.unwrap().amount), (0, 0));
    ada.client.delete(&item(mug)).await.expect(200);
    ada.add(mug, 1).await;
    let cart: Cart = ada.client.delete(CART).await.expect(200).data();
    assert!(cart.items.is_empty());
    assert_eq!(ada.cart().await.items, []);
}

async fn nobody_reaches_anothers_cart(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let kettle = shop.shelf.put("kettle", 4_999);
    let (ada, bob, guest) = (shop.person(), shop.person(), shop.guest().await);
    ada.add(kettle, 1).await;
    guest.add(kettle, 3).await;
    assert_eq!(held(&bob.cart().await), []);
    bob.client.delete(CART).await.expect(200);
    assert_eq!(held(&ada.cart().await), [(kettle, 1)]);
    // A token says whose cart it is; the secret beside it does not.
    let both = with_cart(&bob.client, Method::GET, CART, guest.token.expose(), Value::Null).await;
    assert_eq!(held(&both.expect(200).data()), []);
    let nobody = shop.service.client();
    nobody.get(CART).await.expect(401).refused(ErrorCode::Unauthenticated);
    nobody.post(ITEMS, json!({"productId": kettle, "quantity": 1})).await.expect(401);
    for wrong in ["", "x", &"A".repeat(43)] {
        let answer = with_cart(&nobody, Method::GET, CART, wrong, Value::Null).await;
        answer.expect(404).refused(ErrorCode::NotFound);
        let answer = with_cart(&nobody, Method::DELETE, CART, wrong, Value::Null).await;
        answer.expect(404).refused(ErrorCode::NotFound);
    }
    assert_eq!(held(&guest.cart().await), [(kettle, 3)]);
}

async fn of_a_guests_secret_only_the_hash_is_kept(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let guest = shop.guest().await;
    let db = shop.db();
    let (hash,): (Vec<u8>,) =
        q!(db.read, fetch_one, "SELECT secret_hash FROM cart WHERE secret_hash IS NOT NULL").unwrap();
    assert_eq!(hash.len(), 32);
    assert!(!hash.windows(4).any(|part| guest.token.expose().as_bytes().windows(4).any(|text| text == part)));
    let another = shop.guest().await;
    assert_ne!(another.token.expose(), guest.token.expose());
}

async fn only_the_guests_own_secret_merges_a_cart(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, mug, pan) =
        (shop.shelf.put("kettle", 1), shop.shelf.put("mug", 1), shop.shelf.put("pan", 1));
    let (ada, bob, guest) = (shop.person(), shop.person(), shop.guest().await);
    ada.add(kettle, 60).await;
    ada.add(pan, 1).await;
    guest.add(mug, 2).await;
    guest.add(kettle, 70).await;
    let merge = |token: &str| json!({"cartToken": token});
    let (ids,): (String,) = ("00000000-0000-0000-0000-000000000000".to_owned(),);
    for wrong in ["", "x", &"A".repeat(43), &ids, &ada.id.to_string()] {
        bob.client.post(MERGE, merge(wrong)).await.expect(404).refused(ErrorCode::NotFound);
    }
    shop.service.client().post(MERGE, merge(guest.token.expose())).await.expect(401);
    let ask = |key: &'static str| {
        let ask = ada.client.request(Method::POST, MERGE).header("idempotency-key", key);
        ask.json(merge(guest.token.expose())).send()
    };
    let merged = ask("merge-1").await.expect(200);
    let cart: Cart = merged.data();
    assert_eq!(held(&cart), [(kettle, 100), (pan, 1), (mug, 2)], "the sum, and never more than a cart takes");
    let again = ask("merge-1").await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, merged.body);
    ask("merge-2").await.expect(404);
    bob.client.post(MERGE, merge(guest.token.expose())).await.expect(404);
    guest.ask(Method::GET, CART, Value::Null).await.expect(404);
    assert_eq!(held(&ada.cart().await), held(&cart));
}

async fn of_two_who_merge_one_cart_one_gets_it(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, guest) = (shop.shelf.put("kettle", 1), shop.guest().await);
    guest.add(kettle, 2).await;
    let people: Vec<_> = (0..6).map(|_| shop.person()).collect();
    let body = json!({"cartToken": guest.token});
    let answers = join_all(people.iter().map(|person| person.client.post(MERGE, &body))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let carts = join_all(people.iter().map(|person| person.cart())).await;
    assert_eq!(carts.iter().map(|cart| cart.quantity).sum::<u32>(), 2);
}

async fn no_change_is_lost_in_another(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let products: Vec<_> = (0..4).map(|at| shop.shelf.put(&format!("p{at}"), 100)).collect();
    let ada = shop.person();
    let adding = (0..40).map(|at| ada.add(products[at % 4], 1));
    let mut versions: Vec<i64> = join_all(adding).await.iter().map(|cart| cart.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>(), "each change is a version");
    let mut cart = held(&ada.cart().await);
    cart.sort_unstable();
    let mut expected: Vec<_> = products.iter().map(|product| (*product, 10)).collect();
    expected.sort_unstable();
    assert_eq!(cart, expected);
}

async fn a_change_of_what_was_not_seen_is_refused(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, ada) = (shop.shelf.put("kettle", 1), shop.person());
    let add = |version: i64| {
        let ask = ada.client.request(Method::POST, ITEMS).header("if-match", &format!("\"{version}\""));
        ask.json(json!({"productId": kettle, "quantity": 1})).send()
    };
    add(0).await.expect(200);
    add(0).await.expect(412).refused(ErrorCode::PreconditionFailed);
    add(1).await.expect(200);
    let clear = ada.client.request(Method::DELETE, CART).header("if-match", "\"1\"");
    clear.send().await.expect(412);
    let cart = ada.cart().await;
    assert_eq!((held(&cart), cart.version), (vec![(kettle, 2)], 2), "what was refused has changed nothing");
    let answers = join_all((0..8).map(|_| add(2))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "of many one is first");
}

async fn a_cart_takes_so_much_and_says_which_field_is_too_much(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, ada) = (shop.shelf.put("kettle", 1), shop.person());
    let field = |answer: testkit::Answer| {
        answer.expect(400).refused(ErrorCode::Validation).error.details.first().unwrap().field.clone()
    };
    for quantity in [json!(0), json!(101), json!(-1), json!(1.5)] {
        let answer = ada.client.post(ITEMS, json!({"productId": kettle, "quantity": quantity})).await;
        assert_eq!(field(answer), "quantity");
    }
    ada.add(kettle, 100).await;
    let answer = ada.client.post(ITEMS, json!({"productId": kettle, "quantity": 1})).await;
    assert_eq!(field(answer), "quantity");
    assert_eq!(field(ada.client.put(&item(kettle), json!({"quantity": 101})).await), "quantity");
    for at in 0..49 {
        ada.add(shop.shelf.put(&format!("p{at}"), 1), 1).await;
    }
    let more = shop.shelf.put("more", 1);
    let full = ada.client.post(ITEMS, json!({"productId": more, "quantity": 1})).await.expect(409);
    full.refused(ErrorCode::Conflict);
    let guest = shop.guest().await;
    guest.add(more, 1).await;
    let merge = json!({"cartToken": guest.token});
    ada.client.post(MERGE, merge).await.expect(409).refused(ErrorCode::Conflict);
    assert_eq!(guest.cart().await.quantity, 1, "and nothing is lost of a cart that finds no room");
    assert_eq!(ada.cart().await.items.len(), 50);
}

async fn a_cart_that_is_not_changed_comes_to_its_end(engine: Engine) {
    let quiet = |setup: testkit::Setup| setup.set("BOWLINE_JOBS__ENABLED", "false");
    let Some(shop) = Shop::open_with(engine, quiet).await else { return };
    let kettle = shop.shelf.put("kettle", 1);
    let (ada, bob, guest) = (shop.person(), shop.person(), shop.guest().await);
    ada.add(kettle, 1).await;
    bob.add(kettle, 2).await;
    guest.add(kettle, 3).await;
    shop.pass(6 * 86_400).await;
    let ada = shop.again(ada.id);
    assert_eq!(ada.add(kettle, 1).await.quantity, 2, "a change puts its end off");
    let now = shop.service.clock().now();
    assert_eq!(cart::delete_over(shop.db(), now, 10).await.unwrap(), 0);
    shop.pass(86_400).await;
    let (ada, bob) = (shop.again(ada.id), shop.again(bob.id));
    guest.ask(Method::GET, CART, Value::Null).await.expect(404);
    let body = json!({"productId": kettle, "quantity": 1});
    guest.ask(Method::POST, ITEMS, body).await.expect(404);
    assert_eq!(held(&bob.cart().await), [], "over is over, whether it was swept or not");
    assert_eq!(held(&bob.add(kettle, 5).await), [(kettle, 5)], "and a new one has nothing of it");
    let now = shop.service.clock().now();
    assert_eq!(cart::delete_over(shop.db(), now, 10).await.unwrap(), 1, "the guest's");
    assert_eq!(held(&ada.cart().await), [(kettle, 2)]);
    let db = shop.db();
    let left: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM cart_line").unwrap();
    assert_eq!(left, 2, "the lines go with their cart");
}

async fn a_checkout_takes_the_cart_that_it_has_seen_and_no_other(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, ada, bob) = (shop.shelf.put("kettle", 1), shop.person(), shop.person());
    ada.add(kettle, 1).await;
    let (db, now) = (shop.db(), shop.service.clock().now());
    let seen = cart::find_of(db, &Shopper::User(ada.id), now).await.unwrap().unwrap();
    let take = async |user, version| {
        let mut tx = db.begin().await.unwrap();
        let taken = cart::take_of_user(&mut tx, user, seen.id, version).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    ada.add(kettle, 1).await;
    assert!(!take(ada.id, seen.version).await, "it was changed since");
    assert!(!take(bob.id, seen.version + 1).await, "it is not his");
    assert_eq!(ada.cart().await.quantity, 2);
    assert!(take(ada.id, seen.version + 1).await);
    assert_eq!(ada.cart().await.items, []);
    assert!(!take(ada.id, seen.version + 1).await, "it is taken once");
}

on_both_engines!(
    a_cart_is_filled_changed_and_emptied,
    nobody_reaches_anothers_cart,
    of_a_guests_secret_only_the_hash_is_kept,
    only_the_guests_own_secret_merges_a_cart,
    of_two_who_merge_one_cart_one_gets_it,
    no_change_is_lost_in_another,
    a_change_of_what_was_not_seen_is_refused,
    a_cart_takes_so_much_and_says_which_field_is_too_much,
    a_cart_that_is_not_changed_comes_to_its_end,
    a_checkout_takes_the_cart_that_it_has_seen_and_no_other,
);
