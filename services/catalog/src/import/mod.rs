//! `bowline catalog import`: products of a vendor from a file, known again by their numbers.
//!
//! What must hold: every line is looked at before anything is written; a file in which one is wrong changes nothing, unless
//! the wrong ones are to be skipped. What is written is written as through the API: with price versions and events, a part
//! of the file in each transaction. The same file again changes nothing, so an import that broke off is started again.

mod plan;
mod read;
mod row;

pub use read::{Format, Line, lines};
pub use row::{Named, Problem, Row, amount};

use crate::Catalog;
use crate::app::{App, Views};
use crate::store::product;
use anyhow::Context as _;
use chassis::run::{Platform, offline};
use chassis::service::Context;
use contract::ids::UserId;
use plan::{Deed, Planner};
use std::path::Path;
use std::time::Duration;

/// Lines that are written in one transaction.
const PART: usize = 100;

/// How an import is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Whose products they are.
    pub vendor: UserId,
    /// Only look, write nothing.
    pub dry_run: bool,
    /// Import what is right although something is wrong.
    pub skip_bad: bool,
}

/// How far an import is, and in the end what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines of the file.
    pub lines: u64,
    /// Lines that were looked at.
    pub checked: u64,
    /// Lines that were written, of those that are to be.
    pub written: u64,
    /// Lines that are to be written.
    pub to_write: u64,
    /// Products that are new.
    pub new: u64,
    /// Products that are different.
    pub changed: u64,
    /// Lines that say nothing new.
    pub same: u64,
    /// Whether nothing was written because something is wrong.
    pub refused: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Imports a file, on the database directly: it works while the platform runs and while it does not. `told` hears how far it
/// is.
///
/// # Errors
/// When the file cannot be read, when the database fails, and when what was decided does not hold any more because somebody
/// changed the same products meanwhile. Lines that are wrong are no error but in the outcome.
pub fn import(
    platform: Platform,
    file: &Path,
    manner: Manner,
    mut told: impl FnMut(&Outcome),
) -> anyhow::Result<Outcome> {
    let format = Format::of(file)?;
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not in UTF-8", file.display()))?;
    let lines = lines(&text, format).with_context(|| format!("{} cannot be read", file.display()))?;
    offline::<Catalog, _, _>(platform, |config, context| async move {
        let views = Views::new(&context, Duration::from_secs(config.cache_secs))?;
        carry_out(&context, views, lines, manner, &mut told).await
    })
}

async fn carry_out(
    context: &Context,
    views: Views,
    lines: Vec<Line>,
    manner: Manner,
    told: &mut impl FnMut(&Outcome),
) -> anyhow::Result<Outcome> {
    let (db, clock) = (context.db()?, context.clock().clone());
    let mut outcome = Outcome { lines: count(lines.len()), ..Outcome::default() };
    let mut planner = Planner::new(&db, manner.vendor, clock.now()).await?;
    let mut deeds = Vec::new();
    for line in lines {
        let number = line.0;
        match planner.decide(line).await? {
            Ok(Deed::Nothing) => outcome.same += 1,
            Ok(deed) => {
                let counter =
                    if matches!(deed, Deed::Make(_)) { &mut outcome.new } else { &mut outcome.changed };
                *counter += 1;
                deeds.push((number, deed));
            }
            Err(problems) => outcome.problems.extend(problems),
        }
        outcome.checked += 1;
        told(&outcome);
    }
    outcome.to_write = count(deeds.len());
    outcome.refused = !manner.skip_bad && !outcome.problems.is_empty();
    if manner.dry_run || outcome.refused {
        return Ok(outcome);
    }
    let app = App::new(db, clock, context.outbox()?, views);
    for part in deeds.chunks_mut(PART) {
        // In one order, so that two imports at once do not wait for each other.
        part.sort_by_key(|(_, deed)| match deed {
            Deed::Change(id, _) => Some(*id),
            Deed::Make(_) | Deed::Nothing => None,
        });
        write(&app, manner.vendor, part).await?;
        outcome.written += count(part.len());
        told(&outcome);
    }
    Ok(outcome)
}

/// Writes a part of the file in one transaction.
async fn write(app: &App, vendor: UserId, part: &[(u64, Deed)]) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    for (line, deed) in part {
        let failed =
            || format!("line {line}; what stands in the parts before is imported, so import the file again");
        match deed {
            Deed::Make(product) => {
                app.add(&mut tx, (**product).clone(), vendor, now).await.with_context(failed)?;
            }
            Deed::Change(id, change) => {
                let held = product::lock(&mut tx, *id, Some(vendor)).await?;
                let held = held.context("the product was removed meanwhile").with_context(failed)?;
                app.alter(&mut tx, held, (**change).clone(), vendor, now).await.with_context(failed)?;
            }
            Deed::Nothing => {}
        }
    }
    tx.commit().await?;
    Ok(())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
