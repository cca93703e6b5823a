//! Low stock is told to the vendor and to the addresses of the settings.

use crate::bench::{Bench, NOTIFICATIONS};
use contract::identity::Role;
use contract::ids::{ProductId, UserId};
use contract::inventory::InventoryLowStock;
use serde_json::json;
use testkit::{Engine, on_both_engines};
use uuid::Uuid;

async fn start(engine: Engine) -> Option<Bench> {
    let both = r#"["stock@example.org", "Buyer@Example.org"]"#;
    Bench::start_with(engine, |setup| setup.file(&format!("[notifications]\nlow_stock_to = {both}\n"))).await
}

const fn low(product: ProductId, available: u32) -> InventoryLowStock {
    InventoryLowStock { product, available, reorder_level: 10 }
}

async fn low_stock_is_told_to_the_vendor_and_the_shop_each_time_it_is_low(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let product = ProductId::new();
    bench.introduce(UserId(product.uuid()), "vendor", true);
    let event = bench.publish(&low(product, 9)).await;
    for address in ["vendor@example.org", "stock@example.org", "Buyer@Example.org"] {
        let mail = bench.until_mailed(address, 1).await;
        assert_eq!((mail[0].subject.as_str(), mail[0].kind.as_str()), ("Low stock: Lamp", "low_stock"));
        assert!(
            mail[0].body_text.contains("there are 9 of \"Lamp\" left to sell, which is less than 10"),
            "{mail:?}"
        );
    }
    // The same event again is no news; another one is.
    bench.publish_as(event, &low(product, 9)).await;
    bench.publish(&low(product, 4)).await;
    bench.until_mailed("vendor@example.org", 2).await;
    bench.until_quiet(2).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM mail_outbox").await, 6);
    bench.holds().await;
}

async fn of_a_product_that_is_gone_only_the_shop_is_told(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let gone = ProductId(Uuid::nil());
    bench.publish(&low(gone, 0)).await;
    let mail = bench.until_mailed("stock@example.org", 1).await;
    assert_eq!(mail[0].subject, format!("Low stock: {gone}"));
    bench.until_quiet(1).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM notification").await, 2);
}

async fn a_vendor_who_is_an_address_of_the_shop_too_gets_one_mail(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let vendor = bench.person("buyer", &[Role::User, Role::Vendor]);
    let product = ProductId(vendor.id.uuid());
    bench.publish(&low(product, 9)).await;
    bench.until_mailed("stock@example.org", 1).await;
    bench.until_quiet(1).await;
    assert_eq!(bench.mail_to(&vendor.email).await.len(), 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM mail_outbox").await, 2);
    // Who does not want to be told as a vendor still reads what the shop wants to be told.
    let off = json!({"preferences": [{"kind": "LOW_STOCK", "enabled": false}]});
    vendor.client.put(&format!("{NOTIFICATIONS}/preferences"), off).await.expect(200);
    bench.publish(&low(product, 4)).await;
    bench.until_mailed("Buyer@Example.org", 1).await;
    bench.until_quiet(2).await;
    assert_eq!(bench.mail_to(&vendor.email).await.len(), 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM mail_outbox").await, 4);
    bench.holds().await;
}

on_both_engines!(
    low_stock_is_told_to_the_vendor_and_the_shop_each_time_it_is_low,
    of_a_product_that_is_gone_only_the_shop_is_told,
    a_vendor_who_is_an_address_of_the_shop_too_gets_one_mail,
);
