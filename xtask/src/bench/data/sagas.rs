//! Sagas of five steps: how many end in a second, and what CPU time one takes.

use super::Arguments;
use super::ground::{Ground, middle, verdict};
use crate::bench::table;
use crate::prove::stage::{Bus, Database};
use anyhow::Result;
use serde_json::Value;

/// Sagas that wait for something while others are measured.
const OPEN: u32 = 5_000;
/// By database: sagas a second and core.
const AIMS: [(Database, f64); 2] = [(Database::Postgres, 300.0), (Database::Sqlite, 150.0)];

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(arguments: &Arguments, ground: &Ground) -> Result<()> {
    let grounds: Vec<_> = AIMS.into_iter().flat_map(|aim| [(aim, 0), (aim, OPEN)]).collect();
    let mut figures: Vec<Vec<Value>> = vec![Vec::new(); grounds.len()];
    for round in 1..=arguments.rounds {
        for (rounds, ((database, _), open)) in figures.iter_mut().zip(&grounds) {
            eprintln!(
                "==> sagas, round {round} of {}: {}, {open} open ones",
                arguments.rounds,
                database.name()
            );
            rounds.push(measure(arguments, ground, *database, *open)?);
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let row = |(((database, aim), open), rounds): (&((Database, f64), u32), &Vec<Value>)| {
        let rate = middle(rounds, "rate");
        let milliseconds = |figure| format!("{:.2} ms", middle(rounds, figure) * 1e3);
        let a_core = rate / cores as f64;
        [
            format!("{}, {open} open", database.name()),
            format!("{rate:.0}/s"),
            format!("{a_core:.0}/s"),
            format!("{aim:.0}/s"),
            verdict(a_core >= *aim),
            milliseconds("own"),
            milliseconds("server"),
        ]
    };
    let rows: Vec<_> = grounds.iter().zip(&figures).map(row).collect();
    let heads = ["", "sagas", "a core", "aim a core", "", "own CPU a saga", "server's"];
    println!("\n{} sagas of five steps, each committed, on {cores} cores\n", arguments.sagas);
    println!("{}", table::render(heads, &rows));
    println!("\nDapr publishes 57 to 98 workflows a second for its own engine, on other machines.");
    Ok(())
}

fn measure(arguments: &Arguments, ground: &Ground, database: Database, open: u32) -> Result<Value> {
    let mut words = vec!["bench-sagas".to_owned()];
    words.extend(["--sagas".to_owned(), arguments.sagas.to_string(), "--open".to_owned(), open.to_string()]);
    if database == Database::Postgres {
        words.extend(["--server".to_owned(), ground.postgres_pid()?.to_string()]);
    }
    ground.measure(database, Bus::Embedded, &words)
}
