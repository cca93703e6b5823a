//! Asks every engine, tells what holds, and refuses less than what is demanded.

use super::{DurabilityConfig, Guarantee, Held, bus, database, state};
use crate::bus::Bus;
use crate::config::Mode;
use crate::db::Db;
use crate::state::State;
use crate::stop::Stop;
use anyhow::bail;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is known so far, for people who look; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Vec<Held>>>);

impl Board {
    /// What holds for each engine that has answered.
    #[must_use]
    pub fn read(&self) -> Vec<Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, held: Held) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }
}

/// Whoever can be asked.
#[derive(Debug)]
enum Subject {
    Database(String, Db),
    Bus(Bus),
    State(State),
}

impl Subject {
    /// What holds, or why it cannot be told now.
    async fn ask(&self) -> Result<Held, String> {
        match self {
            Self::Database(service, db) => {
                database::read(service, db).await.map_err(|error| format!("database of {service}: {error}"))
            }
            Self::Bus(bus) => bus::read(bus).await.map_err(|error| format!("bus: {error}")),
            Self::State(state) => state::read(state).await.map_err(|error| format!("state: {error}")),
        }
    }

    const fn setting(&self) -> &'static str {
        match self {
            Self::Database(..) => "durability.database",
            Self::Bus(_) => "durability.bus",
            Self::State(_) => "durability.state",
        }
    }
}

/// What is demanded, and where it is told what holds.
#[derive(Debug)]
struct Judge {
    mode: Mode,
    config: DurabilityConfig,
    board: Board,
}

impl Judge {
    /// Tells what holds, and says what is wrong with it.
    fn judge(&self, subject: &Subject, held: Held) -> Option<String> {
        let demanded = match subject {
            Subject::Database(..) => self.config.database,
            Subject::Bus(_) => self.config.bus,
            Subject::State(_) => self.config.state,
        };
        let Held { survives, cure, .. } = held;
        let line = held.line();
        tracing::info!(
            what = held.what,
            engine = held.engine,
            survives = survives.as_str(),
            "durability: {line}"
        );
        self.board.write(held);
        (self.mode.is_production() && survives < demanded)
            .then(|| refusal(&line, subject.setting(), demanded, survives, cure))
    }
}

fn refusal(line: &str, setting: &str, demanded: Guarantee, survives: Guarantee, cure: &str) -> String {
    let cure = if cure.is_empty() { "use an engine that does" } else { cure };
    format!("{line}; {setting} demands {demanded}: {cure}, or set {setting} = {survives}")
}

/// Asks every engine of the process what it keeps safe, tells it in the log and on the board, and refuses less than is
/// demanded when that matters. Hands back the work of asking those that did not answer.
///
/// # Errors
/// In production, when an engine keeps less than `config` demands; all of them at once.
pub async fn guard(
    mode: Mode,
    config: &DurabilityConfig,
    databases: &BTreeMap<&'static str, Db>,
    state: &State,
    bus: Option<&Bus>,
    board: &Board,
) -> anyhow::Result<Option<Later>> {
    let databases =
        databases.iter().map(|(service, db)| Subject::Database((*service).to_owned(), db.clone()));
    let others = [bus.cloned().map(Subject::Bus), Some(Subject::State(state.clone()))];
    let judge = Judge { mode, config: config.clone(), board: board.clone() };
    let (mut refusals, mut silent) = (Vec::new(), Vec::new());
    for subject in databases.chain(others.into_iter().flatten()) {
        match subject.ask().await {
            Ok(held) => refusals.extend(judge.judge(&subject, held)),
            Err(why) => {
                tracing::warn!(why, "what survives what is not known yet; it is asked again until it is");
                silent.push(subject);
            }
        }
    }
    if !refusals.is_empty() {
        bail!("less durable than production demands:\n  {}", refusals.join("\n  "));
    }
    Ok((!silent.is_empty()).then_some(Later { judge, silent }))
}

/// The work of asking engines that were away at start.
#[derive(Debug)]
pub struct Later {
    judge: Judge,
    silent: Vec<Subject>,
}

impl Later {
    /// Asks until all have answered, then waits for the stop.
    ///
    /// # Errors
    /// In production, when one of them keeps less than is demanded.
    pub async fn ask(self, stop: Stop) -> anyhow::Result<()> {
        let asking = async {
            for subject in &self.silent {
                let growing = ExponentialBuilder::default().with_jitter().without_max_times();
                let growing = growing.with_min_delay(Duration::from_millis(100));
                let mut pauses = growing.with_max_delay(Duration::from_secs(10)).build();
                let held = loop {
                    match subject.ask().await {
                        Ok(held) => break held,
                        Err(why) => tracing::debug!(why, "does not say yet what survives what"),
                    }
                    tokio::time::sleep(pauses.next().unwrap_or(Duration::from_secs(10))).await;
                };
                if let Some(refusal) = self.judge.judge(subject, held) {
                    bail!("less durable than production demands: {refusal}");
                }
            }
            Ok(())
        };
        tokio::select! {
            asked = asking => asked?,
            () = stop.stopping() => {}
        }
        stop.stopping().await;
        Ok(())
    }
}
