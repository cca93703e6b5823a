//! What a run came to, as a table.

use super::buyer::Market;
use contract::audit::Finding;
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
pub(super) struct Report {
    head: String,
    orders: BTreeMap<String, usize>,
    findings: Vec<Finding>,
    faults: Vec<String>,
}

impl Report {
    pub(super) fn of(run: &Run, market: &Market, orders: &[Value], findings: Vec<Finding>) -> Self {
        let Run { seed, shape, flow, killed, took } = run;
        let mut statuses = BTreeMap::new();
        for order in orders {
            *statuses.entry(order["status"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
        }
        let head = format!(
            "seed {seed}, {shape}, {flow}: {} orders, {} requests ({} sent again), {} kills ({}), {:.0} s",
            orders.len(),
            market.requests.load(Ordering::Relaxed),
            market.sent_again.load(Ordering::Relaxed),
            killed.len(),
            killed.join(" "),
            took.as_secs_f64()
        );
        let faults = market.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { head, orders: statuses, findings, faults }
    }

    /// Whether everything is as it should be.
    pub(super) fn holds(&self) -> bool {
        self.faults.is_empty() && self.findings.iter().all(Finding::holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", self.head)?;
        for (status, count) in &self.orders {
            writeln!(f, "  {status:<12} {count:>6}")?;
        }
        writeln!(f)?;
        for finding in &self.findings {
            let Finding { service, invariant, checked, violations, error, .. } = finding;
            let mark = if finding.holds() { "holds" } else { "BROKEN" };
            writeln!(f, "  {mark:<7} {service:<14} {invariant:<52} {checked:>7} looked at")?;
            for violation in violations {
                writeln!(f, "          {}: {}", violation.subject, violation.found)?;
            }
            if let Some(error) = error {
                writeln!(f, "          {error}")?;
            }
        }
        for fault in &self.faults {
            writeln!(f, "  BROKEN  as the buyers see it: {fault}")?;
        }
        let verdict = if self.holds() { "the books are in order" } else { "THE BOOKS ARE NOT IN ORDER" };
        write!(f, "\n{verdict}")
    }
}
