//! Orders a second, and how long a buyer waits for a confirmed one.

use super::Arguments;
use super::shop::{Shop, must};
use crate::bench::data::{Ground, middle, verdict};
use crate::bench::http::Connection;
use crate::bench::proc::{cpu_time, megabytes, memory, tree};
use crate::process::interrupted;
use crate::prove::stage::{Bus, Database};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

pub(super) const HEADS: [&str; 10] = [
    "",
    "confirmed",
    "p50",
    "p99",
    "CPU an order",
    "commits an order",
    "database alone",
    "it would allow",
    "share",
    "memory",
];
/// Fills caches and prepares statements before anything is counted.
const WARM_UP: usize = 64;
/// The share of what the database alone allows.
const AIM: f64 = 0.5;
/// How many commits the database alone is asked for.
const ROWS: &str = "10000";
/// An order has its end within this time, or the figures are no result.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn run(
    arguments: &Arguments,
    binary: &Path,
    ground: &Ground,
    database: Database,
) -> Result<[String; 10]> {
    let mut rounds = Vec::new();
    let alone = ["bench-commits", "--rows", ROWS].map(str::to_owned);
    for round in 1..=arguments.rounds {
        eprintln!("==> sale, round {round} of {}: {}", arguments.rounds, database.name());
        let mut figures = round_of(arguments, binary, ground, database)?;
        figures["alone"] = ground.measure(database, Bus::Embedded, &alone)?["single"].clone();
        rounds.push(figures);
    }
    let figure = |name| middle(&rounds, name);
    let (rate, commits, alone) = (figure("rate"), figure("commits"), figure("alone"));
    let allowed = alone / commits;
    let share = rate / allowed;
    Ok([
        database.name().to_owned(),
        format!("{rate:.0}/s"),
        format!("{:.1} ms", figure("p50")),
        format!("{:.1} ms", figure("p99")),
        format!("{:.2} ms", figure("cpu")),
        format!("{commits:.1}"),
        format!("{alone:.0} commits/s"),
        format!("{allowed:.0}/s"),
        format!("{share:.2}, {}", verdict(share >= AIM)),
        format!("{:.0} MB", figure("memory")),
    ])
}

fn round_of(arguments: &Arguments, binary: &Path, ground: &Ground, database: Database) -> Result<Value> {
    let shop = Shop::open(binary, ground, database, &arguments.flow)?;
    let tokens: Vec<String> = (0..arguments.buyers)
        .map(|number| shop.token("register", &format!("buyer-{number}@shop.test")))
        .collect::<Result<_>>()?;
    sell(&shop, &tokens, WARM_UP.max(arguments.buyers))?;
    let processes = tree(shop.process.id())?;
    let (commits, cpu) = (shop.metric("db_commits_total")?, cpu_time(&processes)?);
    let began = Instant::now();
    let mut waits = sell(&shop, &tokens, arguments.orders)?;
    let took = began.elapsed();
    let orders = waits.len() as f64;
    let cpu = cpu_time(&processes)?.saturating_sub(cpu).as_secs_f64() * 1e3 / orders;
    let commits = (shop.metric("db_commits_total")? - commits) / orders;
    let memory = megabytes(memory(&processes)?);
    waits.sort_unstable();
    let percentile = |share: f64| {
        let rank = (waits.len() as f64 * share).ceil() as usize;
        waits.get(rank.saturating_sub(1)).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    Ok(json!({
        "rate": orders / took.as_secs_f64(), "p50": percentile(0.5), "p99": percentile(0.99), "cpu": cpu,
        "commits": commits, "memory": memory,
    }))
}

/// About so many orders, an equal share a buyer: how long each was waited for until it was confirmed.
fn sell(shop: &Shop, tokens: &[String], orders: usize) -> Result<Vec<Duration>> {
    let (share, barrier) = (orders / tokens.len(), Barrier::new(tokens.len()));
    std::thread::scope(|scope| {
        let buyers: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(number, token)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut connection = Connection::open(shop.port)?;
                    barrier.wait();
                    (0..share)
                        .map(|turn| buy(shop, &mut connection, token, number + turn * 7))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut waits = Vec::with_capacity(orders);
        for buyer in buyers {
            waits.extend(buyer.join().map_err(|_| anyhow!("a buyer panicked"))??);
        }
        Ok(waits)
    })
}

/// One order of two lines.
fn buy(shop: &Shop, connection: &mut Connection, token: &str, number: usize) -> Result<Duration> {
    let product = |offset: usize| &shop.products[(number + offset) % shop.products.len()];
    let order = json!({
        "items": [{"productId": product(0), "quantity": 1}, {"productId": product(11), "quantity": 2}],
        "shippingAddress": {
            "fullName": "Ada Lovelace", "address": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4LB",
            "country": "GB",
        },
        "shippingMethod": "standard",
        "paymentMethod": "pm_card_visa",
    });
    let began = Instant::now();
    let mut order = must(connection, "POST", "/api/v1/orders", Some(token), &order)?;
    let id = order["id"].as_str().context("an order has an id")?.to_owned();
    // It is usually confirmed when the answer comes.
    while order["status"] == "PENDING" {
        if began.elapsed() > LIMIT || interrupted() {
            bail!("order {id} is still pending");
        }
        std::thread::sleep(Duration::from_millis(2));
        order = must(connection, "GET", &format!("/api/v1/orders/{id}"), Some(token), &Value::Null)?;
    }
    if order["status"] != "CONFIRMED" {
        bail!("order {id} was not confirmed: {order}");
    }
    Ok(began.elapsed())
}
