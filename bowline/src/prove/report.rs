//! What a run came to, as a table.

use super::buyer::Market;
use crate::shopping::books;
use contract::audit::Finding;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What a run was.
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) shape: &'static str,
    pub(super) flow: &'static str,
    /// Who was killed, in order.
    pub(super) killed: Vec<String>,
    pub(super) took: Duration,
}

/// What it came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    seed: u64,
    shape: &'static str,
    flow: &'static str,
    holds: bool,
    requests: u64,
    sent_again: u64,
    /// Who was killed, in order.
    killed: Vec<String>,
    seconds: f64,
    /// How many orders ended how.
    orders: BTreeMap<String, usize>,
    /// Why orders were not sold, as their buyers were told.
    reasons: BTreeMap<String, usize>,
    /// What the services found in their books.
    findings: Vec<Finding>,
    /// What the buyers found.
    faults: Vec<String>,
}

impl Report {
    pub(super) fn of(run: &Run, market: &Market, orders: &[Value], findings: Vec<Finding>) -> Self {
        let (mut statuses, mut reasons) = (BTreeMap::new(), BTreeMap::new());
        for order in orders {
            *statuses.entry(order["status"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
            if let Some(reason) = order["failure"].as_str() {
                *reasons.entry(reason.to_owned()).or_default() += 1;
            }
        }
        let faults = market.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            seed: run.seed,
            shape: run.shape,
            flow: run.flow,
            holds: faults.is_empty() && books::hold(&findings),
            requests: market.requests.load(Ordering::Relaxed),
            sent_again: market.sent_again.load(Ordering::Relaxed),
            killed: run.killed.clone(),
            seconds: run.took.as_secs_f64(),
            orders: statuses,
            reasons,
            findings,
            faults,
        }
    }

    /// Whether everything is as it should be.
    pub(super) fn holds(&self) -> bool {
        self.holds
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, shape, flow, requests, sent_again, killed, seconds, .. } = self;
        let (orders, kills, names) = (self.orders.values().sum::<usize>(), killed.len(), killed.join(" "));
        writeln!(f, "\nseed {seed}, {shape}, {flow}: {orders} orders in {seconds:.0} s")?;
        writeln!(f, "{requests} requests, {sent_again} of them sent again; {kills} kills: {names}\n")?;
        for (status, count) in &self.orders {
            writeln!(f, "  {status:<12} {count:>6}")?;
        }
        for (reason, count) in &self.reasons {
            writeln!(f, "  {count:>19}  {reason}")?;
        }
        writeln!(f)?;
        for finding in &self.findings {
            let Finding { service, invariant, checked, .. } = finding;
            let mark = if finding.holds() { "holds" } else { "BROKEN" };
            writeln!(f, "  {mark:<7} {service:<14} {invariant:<52} {checked:>7} looked at")?;
            books::write_what_is_wrong(f, 10, finding)?;
        }
        for fault in &self.faults {
            writeln!(f, "  BROKEN  as the buyers see it: {fault}")?;
        }
        let verdict = if self.holds() { "the books are in order" } else { "THE BOOKS ARE NOT IN ORDER" };
        write!(f, "\n{verdict}")
    }
}
