//! How the day went, as the shop itself tells it: orders, money, and whether its books are right.

use super::tally::Tally;
use crate::client::Client;
use crate::shopping::{all, books};
use anyhow::Result;
use contract::audit::Finding;
use contract::money::{Currency, Money};
use contract::orders::OrderSummary;
use contract::payments::{Payment, PaymentState};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the books may need to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(250);

/// How the day went.
pub(super) struct Report {
    orders: BTreeMap<&'static str, usize>,
    declined: usize,
    reviewed: usize,
    taken: Money,
    returned: Money,
    findings: Vec<Finding>,
    faults: Vec<String>,
}

impl Report {
    /// Looks at orders, payments and books.
    pub(super) async fn of(keeper: &Client, operations: &[Client], tally: &Tally) -> Result<Self> {
        let findings = audit(operations).await?;
        let mut orders = BTreeMap::new();
        for order in all::<OrderSummary>(keeper, "/api/v1/orders").await? {
            *orders.entry(order.status.as_str()).or_default() += 1;
        }
        let (mut taken, mut returned) = (Money::zero(Currency::EUR), Money::zero(Currency::EUR));
        for payment in all::<Payment>(keeper, "/api/v1/payments").await? {
            let is_taken = matches!(
                payment.state,
                PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded
            );
            if is_taken {
                taken = taken.plus(payment.amount)?;
            }
            returned = returned.plus(payment.refunded)?;
        }
        let (declined, reviewed) = tally.counted();
        Ok(Self { orders, declined, reviewed, taken, returned, findings, faults: tally.close() })
    }

    /// Whether everything is as it should be.
    pub(super) fn holds(&self) -> bool {
        self.faults.is_empty() && books::hold(&self.findings)
    }
}

/// What the platform finds in its own books, once they have come to rest.
async fn audit(operations: &[Client]) -> Result<Vec<Finding>> {
    let until = Instant::now() + REST_WITHIN;
    loop {
        let found = books::audit(operations).await?;
        if found.iter().all(Finding::holds) || Instant::now() > until {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  The day")?;
        writeln!(f, "    {:<24} {:>14}", "orders", self.orders.values().sum::<usize>())?;
        for (status, count) in &self.orders {
            writeln!(f, "      {:<22} {count:>14}", status.to_lowercase())?;
        }
        writeln!(f, "    {:<24} {:>14}", "cards declined", self.declined)?;
        writeln!(f, "    {:<24} {:>14}", "reviews", self.reviewed)?;
        writeln!(f, "    {:<24} {:>14}", "taken", self.taken.to_string())?;
        writeln!(f, "    {:<24} {:>14}", "given back", self.returned.to_string())?;
        writeln!(f, "\n  The books")?;
        for finding in &self.findings {
            let Finding { service, invariant, checked, .. } = finding;
            let mark = if finding.holds() { "right" } else { "WRONG" };
            writeln!(f, "    {mark:<6} {service:<14} {:<52} {checked:>8}", invariant.replace('-', " "))?;
            books::write_what_is_wrong(f, 11, finding)?;
        }
        for fault in &self.faults {
            writeln!(f, "    WRONG  {fault}")?;
        }
        let verdict = if self.holds() { "Every book is right." } else { "THE BOOKS ARE WRONG." };
        write!(f, "\n  {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::audit::Violation;

    fn report(violations: Vec<Violation>, faults: Vec<String>) -> Report {
        let finding = Finding {
            service: "inventory".to_owned(),
            invariant: "stock-is-never-negative".to_owned(),
            about: "There is never less than nothing.".to_owned(),
            checked: 7,
            violations,
            error: None,
        };
        let (taken, returned) = (Money::new(4_990, Currency::EUR), Money::zero(Currency::EUR));
        let orders = BTreeMap::from([("CONFIRMED", 2)]);
        Report { orders, declined: 1, reviewed: 0, taken, returned, findings: vec![finding], faults }
    }

    #[test]
    fn a_day_whose_books_are_right_says_so_with_its_numbers() {
        let report = report(Vec::new(), Vec::new());
        let text = report.to_string();
        assert!(report.holds() && text.contains("Every book is right."), "{text}");
        assert!(text.contains("49.90 EUR") && text.contains("stock is never negative"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_told_and_the_day_does_not_count_as_good() {
        for wrong in [
            report(vec![Violation::new("product 1", "there are -1 of it")], Vec::new()),
            report(Vec::new(), vec!["there are -1 of it".to_owned()]),
        ] {
            let text = wrong.to_string();
            assert!(
                !wrong.holds() && text.contains("there are -1 of it") && text.contains("WRONG"),
                "{text}"
            );
        }
        let empty = Report { findings: Vec::new(), ..report(Vec::new(), Vec::new()) };
        assert!(!empty.holds(), "books that nobody has looked at are not right");
    }
}
