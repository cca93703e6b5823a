//! `bowline demo`: a shop, filled and bought from, so that one command shows the platform alive.
//!
//! The command starts a copy of this very program on ports and data of its own, opens a shop with believable goods, and lets
//! shoppers in who all buy at the same time: cards are declined, banks want proofs or fall silent after they have charged,
//! orders are called off, sent, brought, reviewed and given back. Then the shop tells how the day went, and its books are
//! looked at.
//!
//! What must hold: a seed repeats the shop, the people and what becomes of each purchase, and so the numbers of the day.
//! Identifiers, order numbers and times are new each time. What it does not do: it kills nobody; that is `bowline prove`.

mod goods;
mod people;
mod plan;
mod report;
mod shop;
mod shopper;
mod tally;

use crate::commands::say;
use crate::prove::stage::{Setting, Stage};
use crate::shopping::SETTINGS;
use crate::shopping::accounts::PASSWORD;
use anyhow::{Context as _, Result};
use clap::Args;
use report::Report;
use shop::{ADMIN, Shop};
use shopper::{Shopper, purchases};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tally::Tally;
use tokio::task::JoinSet;

const EXAMPLES: &str = "\
Examples:
  bowline demo                       a shop, forty shoppers, and its books
  bowline demo --stay                the same, and the shop stays open to look around in
  bowline demo --seed 7 --shoppers 200
  bowline demo --data-dir ./shop     keep the shop's data";

/// Fill a shop, let shoppers in, and look at its books
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    /// Decides what there is, who comes, and what becomes of each purchase
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many come
    #[arg(long, value_name = "NUMBER", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    shoppers: u32,
    /// How many different things are sold
    #[arg(long, value_name = "NUMBER", default_value_t = 48, value_parser = clap::value_parser!(u32).range(4..=2_000))]
    products: u32,
    /// Where the shop's data is kept; without it, nowhere after the end
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Stay open after the day, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

impl Demo {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let passing = std::env::temp_dir().join(format!("bowline-demo-{}", std::process::id()));
        let home = self.data_dir.clone().unwrap_or_else(|| passing.clone());
        std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        // The process that is started has another working folder.
        let home = home.canonicalize()?;
        let held = runtime.block_on(async {
            let (stage, report) = tokio::select! {
                day = self.day(&home) => day?,
                _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            };
            say(&report)?;
            if self.stay {
                say(format_args!("\nOpen until Ctrl-C. Who runs it: {ADMIN}, password: {PASSWORD}"))?;
                tokio::signal::ctrl_c().await?;
            }
            stage.strike().await?;
            Ok(report.holds())
        });
        if self.data_dir.is_none() {
            std::fs::remove_dir_all(&passing)
                .with_context(|| format!("cannot remove {}", passing.display()))?;
        }
        Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The whole day: the shop as it stands at its end, and how it went.
    async fn day(&self, home: &Path) -> Result<(Stage, Report)> {
        let settings = [("LOG_LEVEL", "warn")].into_iter().chain(SETTINGS);
        let settings: Vec<Setting> =
            settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let stage = Stage::set(home, &["all"], settings).await?;
        stage.command("auth", &["admin", "create", "--email", ADMIN], PASSWORD).await?;
        let door = stage.door();
        say(format_args!("The shop is at {0}, its documents at {0}/docs.", door.base()))?;
        let things = goods::things(self.seed, self.products as usize);
        let filling = Tally::new("on the shelves", things.len());
        let shop = Shop::open(&door, &things, |thing| {
            filling.say(&thing.name);
            filling.done();
        });
        let shop = Arc::new(shop.await?);
        filling.close();
        say(format_args!(
            "{} things are on the shelves; {} shoppers come in (seed {}).",
            things.len(),
            self.shoppers,
            self.seed
        ))?;
        let tally = self.let_in(&shop).await?;
        let report = Report::of(&shop.keeper, &stage.operations(), &tally).await?;
        Ok((stage, report))
    }

    /// Lets everybody in at once, and waits until the last one has gone.
    async fn let_in(&self, shop: &Arc<Shop>) -> Result<Tally> {
        let everybody = 0..self.shoppers as usize;
        let tally =
            Arc::new(Tally::new("bought", everybody.clone().map(|who| purchases(self.seed, who)).sum()));
        let mut inside = JoinSet::new();
        for number in everybody {
            inside.spawn(Shopper::visit(Arc::clone(shop), Arc::clone(&tally), self.seed, number));
        }
        while let Some(gone) = inside.join_next().await {
            gone??;
        }
        drop(inside);
        Arc::into_inner(tally).context("somebody is still in the shop")
    }
}
