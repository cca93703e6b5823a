//! Carts and the catalog: live prices while it answers, and what is shown while it does not.

use crate::shop::{CART, ITEMS, Shop, only};
use contract::ErrorCode;
use contract::money::Currency;
use contract::orders::CartLineState;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_cart_shows_the_prices_of_this_moment(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, ada) = (shop.shelf.put("kettle", 4_999), shop.person());
    let cart = ada.add(kettle, 2).await;
    let line = only(&cart);
    assert_eq!((line.unit_price.unwrap().amount, line.subtotal.unwrap().amount), (4_999, 9_998));
    assert_eq!((line.name.as_deref(), line.image.as_deref()), (Some("kettle"), Some("/kettle.jpg")));
    assert_eq!((line.state, line.stale, cart.stale), (CartLineState::ForSale, false, false));
    shop.shelf.reprice(kettle, 5_999);
    assert_eq!(ada.cart().await.subtotal.unwrap().amount, 11_998);
}

async fn while_the_catalog_is_away_the_last_known_is_shown_as_such_and_no_price_is_nothing(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, mug, ada) = (shop.shelf.put("kettle", 4_999), shop.shelf.put("mug", 850), shop.person());
    ada.add(kettle, 2).await;
    shop.shelf.reprice(kettle, 5_999);
    assert_eq!(ada.cart().await.subtotal.unwrap().amount, 11_998);
    shop.shelf.is_away(true);
    let cart = ada.cart().await;
    let line = only(&cart);
    assert_eq!((line.state, line.stale, cart.stale), (CartLineState::Unknown, true, true));
    assert_eq!(line.unit_price.unwrap().amount, 5_999, "the last that was seen");
    assert_eq!(cart.subtotal.unwrap().amount, 11_998);
    // What nobody has ever asked for has no price, and then the cart has none.
    ada.add(mug, 1).await;
    let answer = ada.client.get(CART).await.expect(200);
    let json = answer.json();
    let unknown =
        json["data"]["items"].as_array().unwrap().iter().find(|item| item["productId"] == json!(mug));
    let unknown = unknown.unwrap();
    assert_eq!((&unknown["state"], &unknown["stale"]), (&json!("UNKNOWN"), &json!(true)));
    assert!(unknown.get("unitPrice").is_none() && unknown.get("subtotal").is_none(), "{unknown}");
    assert!(json["data"].get("subtotal").is_none(), "{json}");
    assert!(!answer.text().contains("\"amount\":0"), "{}", answer.text());
    shop.shelf.is_away(false);
    let cart = ada.cart().await;
    assert_eq!((cart.stale, cart.subtotal.unwrap().amount), (false, 11_998 + 850));
}

async fn what_is_not_sold_is_not_taken_and_what_ceased_to_be_is_named(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (kettle, ada) = (shop.shelf.put("kettle", 4_999), shop.person());
    let add = |product| ada.client.post(ITEMS, json!({"productId": product, "quantity": 1}));
    add(contract::ids::ProductId::new()).await.expect(404).refused(ErrorCode::NotFound);
    let idle = shop.shelf.put("idle", 1);
    shop.shelf.change(idle, |quoted| quoted.active = false);
    add(idle).await.expect(409).refused(ErrorCode::NotForSale);
    let foreign = shop.shelf.put("foreign", 1);
    shop.shelf.change(foreign, |quoted| quoted.price.currency = Currency::USD);
    add(foreign).await.expect(409).refused(ErrorCode::NotForSale);
    add(kettle).await.expect(200);
    shop.shelf.change(kettle, |quoted| quoted.active = false);
    let cart = ada.cart().await;
    assert_eq!((only(&cart).state, only(&cart).subtotal), (CartLineState::NotForSale, None));
    assert_eq!(cart.subtotal.unwrap().amount, 0, "nothing in it can be bought");
    shop.shelf.take_away(kettle);
    let cart = ada.cart().await;
    let line = only(&cart);
    assert_eq!((line.state, line.unit_price), (CartLineState::NotForSale, None));
    assert_eq!(line.name.as_deref(), Some("kettle"), "so that one knows what to take out");
    ada.client.delete(&format!("{ITEMS}/{kettle}")).await.expect(200);
}

on_both_engines!(
    a_cart_shows_the_prices_of_this_moment,
    while_the_catalog_is_away_the_last_known_is_shown_as_such_and_no_price_is_nothing,
    what_is_not_sold_is_not_taken_and_what_ceased_to_be_is_named,
);
