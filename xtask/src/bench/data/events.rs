//! Events: how soon a handler sees what was committed, and how many come through.

use super::Arguments;
use super::ground::{Ground, middle, verdict};
use crate::bench::table;
use crate::prove::stage::{Bus, Database};
use anyhow::Result;
use serde_json::Value;

/// Events a second in the measurement of latency: a service at work, far below what it could carry.
const RATE: u32 = 100;
const AIM_EMBEDDED_MS: f64 = 20.0;
const AIM_BROKER_MS: f64 = 100.0;

/// Said beside the figures: they are not those of a real cluster.
const MOCK: &str = "Kafka is librdkafka's mock cluster: it answers a fetch that waits when its time is up (bus.poll_ms, 100 ms) and \
    not when a record comes, as a real broker does.";

const GROUNDS: [(Database, Bus); 6] = [
    (Database::Sqlite, Bus::Embedded),
    (Database::Postgres, Bus::Embedded),
    (Database::Sqlite, Bus::Nats),
    (Database::Postgres, Bus::Nats),
    (Database::Sqlite, Bus::Kafka),
    (Database::Postgres, Bus::Kafka),
];

/// The figures of each ground, by turns: rounds outside, grounds inside.
fn by_turns(
    arguments: &Arguments,
    what: &str,
    mut measure: impl FnMut(Database, Bus) -> Result<Value>,
) -> Result<Vec<Vec<Value>>> {
    let mut figures = vec![Vec::new(); GROUNDS.len()];
    for round in 1..=arguments.rounds {
        for (rounds, (database, bus)) in figures.iter_mut().zip(GROUNDS) {
            eprintln!(
                "==> {what}, round {round} of {}: {}/{}",
                arguments.rounds,
                database.name(),
                bus.name()
            );
            rounds.push(measure(database, bus)?);
        }
    }
    Ok(figures)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn latency(arguments: &Arguments, ground: &Ground) -> Result<()> {
    let events = (arguments.events / 10).max(100).to_string();
    let words = ["bench-latency", "--rate", &RATE.to_string(), "--events", &events].map(str::to_owned);
    let figures = by_turns(arguments, "latency", |database, bus| ground.measure(database, bus, &words))?;
    let row = |((database, bus), rounds): ((Database, Bus), &Vec<Value>)| {
        let aim = if bus == Bus::Embedded { AIM_EMBEDDED_MS } else { AIM_BROKER_MS };
        let show = |figure| format!("{:.1} ms", middle(rounds, figure));
        [
            format!("{}/{}", database.name(), bus.name()),
            show("p50"),
            show("p99"),
            show("max"),
            format!("{aim:.0} ms"),
            verdict(middle(rounds, "p99") <= aim),
        ]
    };
    let rows: Vec<_> = GROUNDS.into_iter().zip(&figures).map(row).collect();
    println!("\nfrom commit to handler, {events} events at {RATE} a second\n");
    println!("{}", table::render(["", "p50", "p99", "max", "aim p99", ""], &rows));
    println!("\n{MOCK}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn throughput(arguments: &Arguments, ground: &Ground) -> Result<()> {
    let count = arguments.events.to_string();
    let through = ["bench-throughput", "--events", &count].map(str::to_owned);
    let alone = ["bench-commits", "--rows", &count].map(str::to_owned);
    let figures = by_turns(arguments, "throughput", |database, bus| {
        let mut figures = ground.measure(database, bus, &through)?;
        for (name, figure) in ground.measure(database, bus, &alone)?.as_object().into_iter().flatten() {
            figures[name] = figure.clone();
        }
        Ok(figures)
    })?;
    let row = |((database, bus), rounds): ((Database, Bus), &Vec<Value>)| {
        let show = |figure| format!("{:.0}/s", middle(rounds, figure));
        let share = middle(rounds, "handled") / middle(rounds, "single");
        [
            format!("{}/{}", database.name(), bus.name()),
            show("handled"),
            show("published"),
            show("single"),
            show("grouped"),
            show("batched"),
            format!("{share:.2}"),
        ]
    };
    let rows: Vec<_> = GROUNDS.into_iter().zip(&figures).map(row).collect();
    let heads =
        ["", "through all", "published", "single commits", "grouped", "batches of 256", "through to single"];
    println!(
        "\n{count} events through outbox, bus, inbox and handler, beside rows that the database alone commits\n"
    );
    println!("{}", table::render(heads, &rows));
    Ok(())
}
