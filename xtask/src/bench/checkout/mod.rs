//! `cargo xtask bench checkout`: how many orders a second the platform confirms, and how fast it shows a product.
//!
//! The whole platform runs in one process of a release build, on databases that commit to the disk. Buyers send orders one
//! after the other on kept connections. Beside their rate stands what the same database commits alone in the same minutes:
//! a checkout needs so many commits (counted by `db_commits_total`), so the database alone would allow so many checkouts.
//! The product is read through the gateway of the same process; beside it stands a bare axum handler behind nginx.

mod read;
mod sale;
mod shop;

use super::{machine, table};
use crate::bench::data::Ground;
use crate::process::Hold;
use crate::prove::build::{Profile, Tiny};
use crate::prove::stage::Database;
use anyhow::Result;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench checkout                        everything, three rounds of a fresh release build
  cargo xtask bench checkout --rounds 1 --no-build  a quick look with the release build as it is
  cargo xtask bench checkout --only read            one of: sale, read
  cargo xtask bench checkout --flow choreography    services that react to each other's events

nginx comes from a Debian package (--install).")]
pub(crate) struct Arguments {
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Orders of one round.
    #[arg(long, default_value_t = 2_000)]
    orders: usize,
    /// Buyers at once.
    #[arg(long, default_value_t = 32)]
    buyers: usize,
    /// Reads of one round.
    #[arg(long, default_value_t = 50_000)]
    reads: usize,
    /// Who leads the checkouts: orchestration or choreography.
    #[arg(long, default_value = "orchestration")]
    flow: String,
    /// Only this measurement.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Install nginx if it is missing (Debian package, as root).
    #[arg(long)]
    install: bool,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }
}

/// Measures and prints.
///
/// # Errors
/// When a server does not start, or an order was not confirmed.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let binary = super::bowline(arguments.no_build)?;
    let tiny = Tiny::build(Profile::Release, arguments.no_build)?;
    let machine = machine();
    let ground = Ground::lay(tiny)?;
    println!("{machine}");
    println!("SQLite with synchronous=full, PostgreSQL with fsync; median of {} rounds", arguments.rounds);
    if arguments.wants("sale") {
        let mut rows = Vec::new();
        for database in Database::ALL {
            rows.push(sale::run(arguments, &binary, &ground, database)?);
        }
        println!(
            "\n{} orders by {} buyers at once, {}\n",
            arguments.orders, arguments.buyers, arguments.flow
        );
        println!("{}", table::render(sale::HEADS, &rows));
        println!("\nAim: at least half of what the database alone allows for the commits of a checkout.");
    }
    if arguments.wants("read") {
        let rows = read::run(arguments, &binary, &ground)?;
        println!(
            "\nGET /api/v1/products/{{id}}: {} reads a round on {} kept connections\n",
            arguments.reads, arguments.buyers
        );
        println!("{}", table::render(read::HEADS, &rows));
        println!("\nAim: ahead of the bare handler behind nginx, and under 150 MB for everything.");
    }
    Ok(())
}
