//! Orders as they are listed: whose they are, filters, pages, and a list that is built anew.

use crate::history::Made;
use crate::shop::{Person, Shop};
use axum::body::Body;
use chassis::db::q;
use chassis::http::Caller;
use contract::ErrorCode;
use contract::audit::Finding;
use contract::ids::{ProductId, UserId};
use contract::orders::{OrderStatus, OrderSummary, Purchases};
use contract::page::Success;
use http::Request;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use testkit::{Engine, eventually, on_both_engines};

const ORDERS: &str = "/api/v1/orders";

async fn list(person: &Person, query: &str) -> Vec<OrderSummary> {
    person.client.get(&format!("{ORDERS}?{query}")).await.expect(200).data()
}

fn ids(orders: &[OrderSummary]) -> Vec<String> {
    orders.iter().map(|order| order.id.to_string()).collect()
}

/// Waits until an order is listed at this version.
async fn listed(shop: &Shop, order: &Made, version: i64) -> OrderSummary {
    let staff = shop.administrator();
    eventually(|| async {
        let found = list(&staff, &format!("number={}", order.number)).await;
        found.into_iter().find(|found| found.version == version)
    })
    .await
}

async fn ask_as_a_service<T: DeserializeOwned>(shop: &Shop, path: &str) -> T {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = shop.service.assembled().front().handle(request, Caller::InProcess("gateway", None)).await;
    assert_eq!(answer.status(), 200, "{path}");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Success<T>>(&body).unwrap().data
}

async fn an_order_is_listed_as_its_events_make_it(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let order = shop.place(ada.id, ProductId::new()).await;
    let placed = listed(&shop, &order, 2).await;
    assert_eq!((placed.status, placed.processing, placed.user), (OrderStatus::Pending, true, ada.id));
    assert_eq!((placed.total.amount, placed.quantity, placed.title.as_str()), (2_499, 2, "Kettle"));
    shop.pass(60).await;
    shop.happen(order.id, &[order.confirmed()]).await;
    let confirmed = listed(&shop, &order, 3).await;
    assert_eq!((confirmed.status, confirmed.processing), (OrderStatus::Confirmed, true), "not paid yet");
    assert_eq!((confirmed.placed_at, confirmed.placed_at < confirmed.changed_at), (placed.placed_at, true));
    shop.happen(order.id, &[order.completed(), order.packed()]).await;
    let packed = listed(&shop, &order, 5).await;
    assert_eq!((packed.status, packed.processing), (OrderStatus::Processing, false));
    let other = shop.place(ada.id, ProductId::new()).await;
    shop.happen(other.id, &[other.failed()]).await;
    let failed = listed(&shop, &other, 3).await;
    assert_eq!((failed.status, failed.processing), (OrderStatus::Failed, false));
}

async fn everybody_sees_their_own_orders_and_staff_those_of_all(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (ada, bob, staff) = (shop.person(), shop.person(), shop.administrator());
    let hers = shop.place(ada.id, ProductId::new()).await;
    let his = shop.place(bob.id, ProductId::new()).await;
    listed(&shop, &his, 2).await;
    assert_eq!(ids(&list(&ada, "").await), [hers.id.to_string()]);
    assert_eq!(ids(&list(&bob, "").await), [his.id.to_string()]);
    assert_eq!(list(&ada, &format!("number={}", his.number)).await, [], "also by its number");
    assert_eq!(ids(&list(&ada, &format!("user={}", ada.id)).await), [hers.id.to_string()]);
    let refused = ada.client.get(&format!("{ORDERS}?user={}", bob.id)).await;
    refused.expect(403).refused(ErrorCode::Forbidden);
    assert_eq!(list(&staff, "").await.len(), 2);
    assert_eq!(ids(&list(&staff, &format!("user={}", ada.id)).await), [hers.id.to_string()]);
    shop.service.client().get(ORDERS).await.expect(401);
}

async fn filters_and_pages_show_each_order_once(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let mut made = Vec::new();
    for at in 0..7 {
        // Some at the very same time: a page may end between them.
        if at % 3 == 0 {
            shop.pass(60).await;
        }
        let order = shop.place(ada.id, ProductId::new()).await;
        if at % 2 == 0 {
            shop.happen(order.id, &[order.failed()]).await;
        }
        made.push(order);
    }
    listed(&shop, &made[6], 3).await;
    let all = list(&ada, "").await;
    assert_eq!(all.len(), 7);
    assert!(all.is_sorted_by(|a, b| (a.placed_at, a.id) > (b.placed_at, b.id)), "the youngest first");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = ada.client.get(&format!("{ORDERS}?limit=2{cursor}")).await.expect(200);
        paged.extend(answer.data::<Vec<OrderSummary>>());
        let Some(next) = answer.json()["pagination"]["cursor"].as_str().map(str::to_owned) else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    assert_eq!(list(&ada, "status=FAILED").await.len(), 4);
    assert_eq!(list(&ada, "status=PENDING&limit=2").await.len(), 2);
    let from = |at: usize| {
        let time = time::format_description::well_known::Rfc3339;
        all[at].placed_at.format(&time).unwrap()
    };
    let (first, last) = (from(6), from(0));
    assert_eq!(list(&ada, &format!("from={last}")).await, all[..1]);
    assert_eq!(list(&ada, &format!("to={first}")).await, []);
    assert_eq!(list(&ada, &format!("from={first}&to={last}")).await, all[1..]);
    let number = made[3].number.to_lowercase();
    assert_eq!(ids(&list(&ada, &format!("number={number}")).await), [made[3].id.to_string()]);
    for wrong in ["status=MAYBE", "limit=0", "limit=101", "cursor=x", "from=yesterday", "colour=red"] {
        ada.client.get(&format!("{ORDERS}?{wrong}")).await.expect(400);
    }
}

async fn what_somebody_has_bought_is_for_other_services_to_know(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (ada, kettle, mug, pan) = (shop.person(), ProductId::new(), ProductId::new(), ProductId::new());
    let mut last = None;
    for product in [kettle, mug, kettle] {
        let order = shop.place(ada.id, product).await;
        shop.happen(order.id, &[order.confirmed()]).await;
        last = Some(order);
    }
    let unsold = shop.place(ada.id, pan).await;
    shop.happen(unsold.id, &[unsold.failed()]).await;
    listed(&shop, &unsold, 3).await;
    let of = |what: &str, user: UserId, limit: u32| {
        format!("/internal/v1/orders/{what}?user={user}&limit={limit}")
    };
    let bought: Purchases = ask_as_a_service(&shop, &of("purchases", ada.id, 20)).await;
    assert_eq!(bought.products, [kettle, mug], "each once, the latest first, and nothing that was not sold");
    let bought: Purchases = ask_as_a_service(&shop, &of("purchases", ada.id, 1)).await;
    assert_eq!(bought.products, [kettle]);
    let recent: Vec<OrderSummary> = ask_as_a_service(&shop, &of("recent", ada.id, 2)).await;
    assert_eq!(ids(&recent), [unsold.id.to_string(), last.unwrap().id.to_string()]);
    let nobody: Vec<OrderSummary> = ask_as_a_service(&shop, &of("recent", UserId::new(), 2)).await;
    assert_eq!(nobody, []);
    for what in ["purchases", "recent"] {
        ada.client.get(&of(what, ada.id, 1)).await.expect(404);
        shop.administrator().client.get(&of(what, ada.id, 1)).await.expect(404);
    }
}

/// What the audit says of the list.
async fn agreement(shop: &Shop) -> Finding {
    let found = shop.service.assembled().books().audit().await;
    found.into_iter().find(|found| found.invariant == "the-list-of-orders-agrees").unwrap()
}

async fn a_list_that_is_built_anew_is_the_same(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let order = shop.place(ada.id, ProductId::new()).await;
    shop.happen(order.id, &[order.confirmed(), order.completed()]).await;
    let other = shop.place(ada.id, ProductId::new()).await;
    listed(&shop, &other, 2).await;
    let before = list(&ada, "").await;
    let db = shop.db();
    q!(db.write, execute, "UPDATE order_list SET title = 'spoilt', status = 'SHIPPED', total_amount = 1")
        .unwrap();
    assert_ne!(list(&ada, "").await, before);
    let found = agreement(&shop).await;
    assert_eq!((found.checked, found.violations.len()), (2, 2), "{found:?}");
    let events = shop.events();
    let mut tx = db.begin().await.unwrap();
    assert!(events.rebuild(&mut tx, "order-list").await.unwrap());
    tx.commit().await.unwrap();
    eventually(|| async { list(&ada, "").await == before }).await;
    let found = agreement(&shop).await;
    assert!(found.holds() && found.checked == 2, "{found:?}");
    q!(db.write, execute, "DELETE FROM order_update WHERE version = 1").unwrap();
    assert_eq!(agreement(&shop).await.violations.len(), 2, "somebody was not told");
}

async fn what_was_built_before_is_removed(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let order = shop.place(ada.id, ProductId::new()).await;
    shop.happen(order.id, &[order.confirmed(), order.completed()]).await;
    listed(&shop, &order, 4).await;
    let (db, events) = (shop.db(), shop.events());
    let mut tx = db.begin().await.unwrap();
    assert!(events.rebuild(&mut tx, "order-list").await.unwrap());
    tx.commit().await.unwrap();
    eventually(|| async {
        let all = events.projections().await.unwrap();
        (all.len() == 1 && all.iter().all(|one| one.generation == 2)).then_some(()).ok_or(all)
    })
    .await;
    let counts = "SELECT (SELECT COUNT(*) FROM order_list) + (SELECT COUNT(*) FROM order_update) \
        + (SELECT COUNT(*) FROM order_purchase)";
    eventually(|| async {
        let left: i64 = q!(db.read, scalar, counts).unwrap();
        (left == 1 + 4 + 1).then_some(()).ok_or(left)
    })
    .await;
}

on_both_engines!(
    an_order_is_listed_as_its_events_make_it,
    everybody_sees_their_own_orders_and_staff_those_of_all,
    filters_and_pages_show_each_order_once,
    what_somebody_has_bought_is_for_other_services_to_know,
    a_list_that_is_built_anew_is_the_same,
    what_was_built_before_is_removed,
);
