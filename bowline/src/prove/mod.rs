//! `bowline prove`: the shop keeps its books, whatever is killed when.
//!
//! The command starts copies of this very program, opens a shop with too little of everything, and lets hundreds of buyers in
//! at once. Cards are declined, providers answer late or not at all, events and webhooks come twice and late, orders are
//! called off, sent out and refunded; and processes are killed with SIGKILL and started again. When everything has come
//! to rest, the books are looked at: by the invariants of every service (a service adds its own with
//! [`Parts::invariant`](chassis::service::Parts::invariant)), and from outside, by what the buyers were told.
//!
//! What must hold: a run that fails says what it found, of which order, and how to repeat it, and keeps its folder; no run
//! leaves a process behind. A seed repeats the choices, not the machine's own timing.

mod buyer;
mod keeper;
mod plan;
mod report;
mod rest;
mod shop;
pub(crate) mod stage;

use crate::shopping::accounts::register;
use crate::shopping::{Choices, SETTINGS};
use anyhow::{Context as _, Result};
use buyer::{Buyer, Market};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use report::{Report, Run};
use shop::Shop;
use stage::{Setting, Stage};
use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const EXAMPLES: &str = "\
Examples:
  bowline prove                          one process on SQLite, 200 buyers, 12 kills
  bowline prove --seed 424242            the same choices as in the run that printed this seed
  bowline prove --shape cluster --database-url 'postgres://me@localhost/{service}' \\
      --redis-url redis://localhost --bus-url nats://localhost
                                         a process a service, two of orders, inventory and payments
  bowline prove --flow choreography      services that react to each other's events

Nothing of yours is touched: the copies have ports and data of their own, and in a cluster databases whose names begin with
the name of the run. A run that fails keeps its folder with data and logs.";

/// Let hundreds of buyers at a shop whose processes are killed, and look at its books
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Prove {
    /// Repeats the choices of a run; made up when absent
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How the platform is cut into processes
    #[arg(long, value_enum, default_value = "one")]
    shape: Shape,
    /// Who leads a checkout
    #[arg(long, value_enum, default_value = "orchestration")]
    flow: Flow,
    /// How many buy at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    buyers: u32,
    /// How many processes are killed
    #[arg(long, value_name = "NUMBER", default_value_t = 12)]
    kills: u32,
    /// How many products they fight for
    #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    products: u32,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// PostgreSQL for a cluster, with {service} in it
    #[arg(long, value_name = "URL", env = "BOWLINE_PROVE_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Redis for a cluster
    #[arg(long, value_name = "URL", env = "BOWLINE_PROVE_REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// NATS or Kafka for a cluster
    #[arg(long, value_name = "URL", env = "BOWLINE_PROVE_BUS_URL", hide_env_values = true)]
    bus_url: Option<String>,
}

/// How the platform is cut into processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Everything in one process, on SQLite
    One,
    /// A process a service, two of orders, inventory and payments, on PostgreSQL, Redis and a broker
    Cluster,
}

/// Who leads a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flow {
    /// The orders service asks the others
    Orchestration,
    /// Services react to each other's events
    Choreography,
}

impl Flow {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Orchestration => "orchestration",
            Self::Choreography => "choreography",
        }
    }
}

impl Shape {
    const fn as_str(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Cluster => "cluster",
        }
    }

    const fn targets(self) -> &'static [&'static str] {
        match self {
            Self::One => &["all"],
            Self::Cluster => &[
                "auth",
                "catalog",
                "inventory",
                "inventory",
                "payments",
                "payments",
                "orders",
                "orders",
                "reviews",
                "notifications",
                "gateway",
            ],
        }
    }
}

impl Prove {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(|| rand::random_range(1..1_000_000_000));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let home = std::env::temp_dir().join(format!("bowline-prove-{seed}-{}", std::process::id()));
        std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        let report = runtime.block_on(async {
            tokio::select! {
                report = self.prove(&home, seed) => report,
                _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            }
        });
        let passed = report.as_ref().is_ok_and(Report::holds);
        if passed {
            std::fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        }
        match report {
            Ok(report) if self.json => super::commands::say(serde_json::to_string(&report)?)?,
            Ok(report) => super::commands::say(report)?,
            Err(error) => tell(format_args!("bowline prove: {error:#}")),
        }
        if !passed {
            tell(format_args!(
                "data and logs are kept in {}; repeat with `bowline prove {}`",
                home.display(),
                self.again(seed)
            ));
        }
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The arguments that make the same choices.
    fn again(&self, seed: u64) -> String {
        let Self { shape, flow, buyers, kills, products, .. } = self;
        let (shape, flow) = (shape.as_str(), flow.as_str());
        format!(
            "--seed {seed} --shape {shape} --flow {flow} --buyers {buyers} --kills {kills} --products {products}"
        )
    }

    async fn prove(&self, home: &Path, seed: u64) -> Result<Report> {
        let began = Instant::now();
        let show = progress(u64::from(self.kills));
        show.set_message("starting the platform");
        let mut stage = Stage::set(home, self.shape.targets(), self.settings(home, seed)?).await?;
        show.set_message("opening the shop");
        let shop = Shop::open(&stage, self.products as usize).await?;
        let market = Arc::new(Market::new(shop));
        show.set_message(format!("{} buyers come in", self.buyers));
        let mut buyers = self.let_in(&stage, &market, seed).await?;
        let mut keeper = JoinSet::new();
        keeper.spawn(keeper::keep(Arc::clone(&market), Choices::new(seed, "keeper")));
        let killed = self.kill(&mut stage, &market, seed, &show).await?;
        market.closing.store(true, Ordering::Relaxed);
        show.set_message("the shop closes; what is under way comes to its end");
        while let Some(ended) = keeper.join_next().await {
            ended??;
        }
        let mut served = Vec::new();
        while let Some(ended) = buyers.join_next().await {
            served.push(ended??);
        }
        served.sort_by(|a: &Buyer, b| a.email.cmp(&b.email));
        stage.wait_until_ready().await?;
        let orders = rest::come_to_rest(&mut stage, &market, &served).await?;
        show.set_message("looking at the books");
        let delivered = market.shop.delivered();
        rest::compare(&market, &served, &orders, &delivered).await?;
        let findings = rest::audit(&stage).await?;
        stage.strike().await?;
        show.finish_and_clear();
        let run =
            Run { seed, shape: self.shape.as_str(), flow: self.flow.as_str(), killed, took: began.elapsed() };
        Ok(Report::of(&run, &market, &orders, findings))
    }

    /// The settings of every process.
    fn settings(&self, home: &Path, seed: u64) -> Result<Vec<Setting>> {
        let key = {
            let mut choices = Choices::new(seed, "keys");
            format!("{}{}", choices.uuid().simple(), choices.uuid().simple())
        };
        let mut settings: Vec<Setting> = FOR_ALL
            .iter()
            .chain(&SETTINGS)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut set = |name: &str, value: &str| settings.push((name.to_owned(), value.to_owned()));
        set("BOWLINE_IDENTITY__SERVICE_KEY", &key);
        set("BOWLINE_AUTH__MASTER_KEY", &key);
        set("BOWLINE_ORDERS__SAGA", self.flow.as_str());
        if self.shape == Shape::Cluster {
            let need = |url: &Option<String>, option: &str| {
                url.clone().with_context(|| format!("a cluster needs --{option}"))
            };
            let run =
                home.file_name().map(|name| name.to_string_lossy().replace('-', "_")).unwrap_or_default();
            let database = need(&self.database_url, "database-url")?;
            set("DATABASE_URL", &database.replace("{service}", &format!("{run}_{{service}}")));
            set("REDIS_URL", &need(&self.redis_url, "redis-url")?);
            set("BUS_URL", &need(&self.bus_url, "bus-url")?);
            set("BOWLINE_BUS__PREFIX", &run);
        }
        Ok(settings)
    }

    /// Lets the buyers in. They buy until the market closes.
    async fn let_in(&self, stage: &Stage, market: &Arc<Market>, seed: u64) -> Result<JoinSet<Result<Buyer>>> {
        let mut entering = JoinSet::new();
        for number in 0..self.buyers {
            let (door, email) = (stage.door(), format!("buyer-{number:04}@shop.test"));
            entering.spawn(async move {
                let client = patience(|| register(&door, &email, "Somebody")).await?;
                anyhow::Ok(Buyer { email, client, placed: Vec::new() })
            });
        }
        let mut buyers = JoinSet::new();
        while let Some(entered) = entering.join_next().await {
            let buyer = entered??;
            let choices = Choices::new(seed, &buyer.email);
            buyers.spawn(buyer.buy(Arc::clone(market), choices));
        }
        Ok(buyers)
    }

    /// Kills processes until enough are killed. Says how often which.
    async fn kill(
        &self,
        stage: &mut Stage,
        market: &Market,
        seed: u64,
        show: &ProgressBar,
    ) -> Result<Vec<String>> {
        let mut choices = Choices::new(seed, "kills");
        let mut killed = Vec::new();
        for _ in 0..self.kills {
            sleep(choices.pause(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
            stage.look()?;
            let place = choices.below(stage.members.len());
            stage.kill_and_restart(place).await?;
            killed.push(stage.members[place].name.clone());
            show.inc(1);
            show.set_message(format!(
                "killed {}; {} requests, {} sent again",
                stage.members[place].name,
                market.requests.load(Ordering::Relaxed),
                market.sent_again.load(Ordering::Relaxed)
            ));
        }
        // The last one shall see work too.
        sleep(LONGEST_PAUSE).await;
        stage.wait_until_ready().await?;
        Ok(killed)
    }
}

/// Between two kills.
const SHORTEST_PAUSE: Duration = Duration::from_millis(700);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// For every process, beside those of every made-up shop: short times, so that a dead one is soon replaced, and trouble.
const FOR_ALL: [(&str, &str); 15] = [
    ("LOG_LEVEL", "info"),
    ("BOWLINE_DELIVERY__LEASE_MS", "1000"),
    ("BOWLINE_DELIVERY__HANDLER_TIMEOUT_MS", "2000"),
    ("BOWLINE_DELIVERY__POLL_MS", "200"),
    ("BOWLINE_DELIVERY__REPEAT_PERCENT", "20"),
    ("BOWLINE_DELIVERY__HOLD_BACK_MS", "100"),
    ("BOWLINE_DELIVERY__FIRST_PAUSE_MS", "100"),
    ("BOWLINE_DELIVERY__LONGEST_PAUSE_MS", "2000"),
    ("BOWLINE_SAGA__LEASE_MS", "1000"),
    ("BOWLINE_SAGA__POLL_MS", "200"),
    ("BOWLINE_PAYMENTS__ANSWER_WITHIN_MS", "1500"),
    ("BOWLINE_PAYMENTS__PROVIDER_TIMEOUT_MS", "3000"),
    ("BOWLINE_PAYMENTS__SANDBOX_WEBHOOK_COPIES", "2"),
    ("BOWLINE_PAYMENTS__SANDBOX_WEBHOOK_DELAY_MS", "300"),
    ("BOWLINE_DATABASE__ACQUIRE_TIMEOUT_MS", "5000"),
];

/// Tries again what may fail while a process is away.
async fn patience<T, F: Future<Output = Result<T>>>(again: impl Fn() -> F) -> Result<T> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match again().await {
            Err(_) if Instant::now() < until => sleep(Duration::from_millis(100)).await,
            ended => return ended,
        }
    }
}

fn progress(kills: u64) -> ProgressBar {
    let bar = ProgressBar::new(kills);
    if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:20}] {pos}/{len} kills  {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[expect(clippy::print_stderr, reason = "what the command says to a person")]
fn tell(line: std::fmt::Arguments<'_>) {
    eprintln!("{line}");
}
