//! Waits until everything has come to rest, and looks at the books.

use super::buyer::{Buyer, Market};
use super::stage::{Stage, metric};
use crate::shopping::{all, books};
use anyhow::{Context as _, Result, bail};
use contract::audit::Finding;
use contract::orders::OrderSummary;
use http::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long everything may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);
/// Gauges are set every five seconds: what is still for longer is at rest.
const STILL_FOR: Duration = Duration::from_secs(6);

/// Waits until no order, saga, event or job is under way.
pub(super) async fn come_to_rest(stage: &mut Stage, market: &Market, buyers: &[Buyer]) -> Result<Vec<Value>> {
    let mut orders = Vec::new();
    for buyer in buyers {
        for placed in &buyer.placed {
            orders.push(buyer.rests(market, &placed.id).await?);
        }
    }
    let until = Instant::now() + REST_WITHIN;
    let mut still_since = Instant::now();
    loop {
        stage.look()?;
        let busy = busy(stage).await?;
        if !busy.is_empty() {
            still_since = Instant::now();
        }
        if still_since.elapsed() > STILL_FOR {
            return Ok(orders);
        }
        if Instant::now() > until {
            bail!("not at rest after {REST_WITHIN:?}: {}", busy.join(", "));
        }
        sleep(LOOK).await;
    }
}

/// What is still under way, in words.
async fn busy(stage: &Stage) -> Result<Vec<String>> {
    let mut busy = Vec::new();
    for (member, ops) in stage.members.iter().zip(stage.operations()) {
        let page = ops.text("/metrics").await?;
        let gauges = [
            ("events to publish", metric(&page, "outbox_pending", "")),
            ("events to handle", metric(&page, "inbox_pending", "")),
            ("sagas running", metric(&page, "saga_open", "state=\"running\"")),
            ("sagas compensating", metric(&page, "saga_open", "state=\"compensating\"")),
        ];
        let jobs = ops.ask(Method::GET, "/jobs", None, None).await?.body;
        let queued = |line: &&Value| line["everySeconds"].is_null();
        let open =
            |line: &Value| line["waiting"].as_i64().unwrap_or(0) + line["running"].as_i64().unwrap_or(0);
        let jobs: i64 = jobs.as_array().into_iter().flatten().filter(queued).map(open).sum();
        busy.extend(
            gauges.iter().filter(|(_, n)| *n > 0.0).map(|(what, n)| format!("{n} {what} in {}", member.name)),
        );
        if jobs > 0 {
            busy.push(format!("{jobs} jobs in {}", member.name));
        }
    }
    Ok(busy)
}

/// What the platform finds in its own books, each rule once.
pub(super) async fn audit(stage: &Stage) -> Result<Vec<Finding>> {
    let mut found: BTreeMap<(String, String), Finding> = BTreeMap::new();
    for finding in books::audit(&stage.operations()).await? {
        let rule = (finding.service.clone(), finding.invariant.clone());
        let kept = found.entry(rule).or_insert_with(|| finding.clone());
        if kept.holds() {
            *kept = finding;
        }
    }
    Ok(found.into_values().collect())
}

/// What the buyers find: an order for each purchase and no other, and stock that fits what they bought.
pub(super) async fn compare(
    market: &Market,
    buyers: &[Buyer],
    orders: &[Value],
    delivered: &[u64],
) -> Result<()> {
    for buyer in buyers {
        let placed: BTreeSet<&str> = buyer.placed.iter().map(|placed| placed.id.as_str()).collect();
        if placed.len() != buyer.placed.len() {
            market.fault(format!("{} got one order for two purchases", buyer.email));
        }
        let listed = all::<OrderSummary>(&buyer.client, "/api/v1/orders").await?;
        let listed: BTreeSet<String> = listed.into_iter().map(|order| order.id.to_string()).collect();
        for id in listed.iter().filter(|id| !placed.contains(id.as_str())) {
            market.fault(format!("{} has order {id}, which was never acknowledged", buyer.email));
        }
        for id in placed.iter().filter(|id| !listed.contains(**id)) {
            market.fault(format!("order {id} of {} is not in their list", buyer.email));
        }
    }
    compare_lines(market, buyers, orders);
    for (place, product) in market.shop.products.iter().enumerate() {
        let sold = sold(orders, &product.id);
        let path = format!("/api/v1/inventory/{}", product.id);
        let stock = market.shop.keeper.get(&path).await?;
        let stock = &stock["counted"];
        let on_hand = stock["onHand"].as_i64().with_context(|| format!("{path} tells no onHand: {stock}"))?;
        let delivered = i64::try_from(delivered[place])?;
        if on_hand != delivered - sold {
            market.fault(format!(
                "of product {} {delivered} were brought and {sold} sold, and {on_hand} are there",
                product.id
            ));
        }
        if stock["reserved"].as_i64() != Some(0) {
            market.fault(format!("of product {} {} are kept for nobody", product.id, stock["reserved"]));
        }
    }
    Ok(())
}

/// Whether each order is of what its buyer wanted.
fn compare_lines(market: &Market, buyers: &[Buyer], orders: &[Value]) {
    let by_id: BTreeMap<_, _> =
        orders.iter().filter_map(|order| Some((order["id"].as_str()?, order))).collect();
    for placed in buyers.iter().flat_map(|buyer| &buyer.placed) {
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        for (place, quantity) in &placed.purchase.lines {
            *wanted.entry(&market.shop.products[*place].id).or_default() +=
                i64::try_from(*quantity).unwrap_or(i64::MAX);
        }
        let mut has: BTreeMap<&str, i64> = BTreeMap::new();
        let order = by_id.get(placed.id.as_str()).copied().unwrap_or(&Value::Null);
        for line in order["lines"].as_array().into_iter().flatten() {
            let product = line["product"].as_str().unwrap_or_default();
            *has.entry(product).or_default() += line["quantity"].as_i64().unwrap_or_default();
        }
        if wanted != has {
            market.fault(format!("order {} has {has:?}, and its buyer wanted {wanted:?}", placed.id));
        }
    }
}

/// How many of a product left with orders that stand.
fn sold(orders: &[Value], product: &str) -> i64 {
    let stands = |order: &&Value| {
        ["CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "REFUNDED"]
            .contains(&order["status"].as_str().unwrap_or_default())
    };
    let lines =
        orders.iter().filter(stands).flat_map(|order| order["lines"].as_array().into_iter().flatten());
    lines.filter(|line| line["product"] == product).filter_map(|line| line["quantity"].as_i64()).sum()
}
