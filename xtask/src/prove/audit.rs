//! The books at the end: what was acknowledged, beside what is in the ledger, was counted, and came back.

use super::cluster::Cluster;
use super::load::Acknowledged;
use crate::bench::http::{Connection, get};
use crate::process::interrupted;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long everything may take to come through once the load has ended.
const THROUGH_LIMIT: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) acknowledged: usize,
    pub(super) counted: usize,
    pub(super) returned: usize,
    pub(super) through: Duration,
    /// What is not as it was promised, in words; nothing when all is well.
    pub(super) faults: Vec<String>,
}

/// Waits until everything has come through, then compares entry by entry.
pub(super) fn audit(cluster: &mut Cluster, acknowledged: &[Acknowledged]) -> Result<Verdict> {
    let began = Instant::now();
    let waited = wait_until_through(cluster, acknowledged.len());
    let through = began.elapsed();
    let mut faults: Vec<String> = waited.err().map(|error| format!("{error:#}")).into_iter().collect();
    if interrupted() {
        bail!("interrupted");
    }
    let (ledger, counter) = (Service::of(cluster, "ledger")?, Service::of(cluster, "counter")?);
    let entries = ledger.list("entries", "id")?;
    let counted = counter.list("counted", "place")?;
    let returned = ledger.list("returned", "place")?;
    compare("in the ledger", acknowledged, &entries, "id", &mut faults);
    compare("in the counter's log", acknowledged, &counted, "entryId", &mut faults);
    compare("in the log of what came back", acknowledged, &returned, "entryId", &mut faults);
    figures("ledger", &ledger.audit()?, "returned", &mut faults);
    figures("counter", &counter.audit()?, "counted", &mut faults);
    Ok(Verdict {
        acknowledged: acknowledged.len(),
        counted: counted.len(),
        returned: returned.len(),
        through,
        faults,
    })
}

fn wait_until_through(cluster: &mut Cluster, expected: usize) -> Result<()> {
    let end = Instant::now() + THROUGH_LIMIT;
    loop {
        cluster.look()?;
        let state = state(cluster);
        match &state {
            Ok((ledger, counter)) if is_through(ledger, counter, expected) => return Ok(()),
            _ if Instant::now() < end => std::thread::sleep(ASK_EVERY),
            Ok((ledger, counter)) => {
                bail!("not through after {THROUGH_LIMIT:?}, {expected} acknowledged: {ledger} {counter}")
            }
            Err(error) => bail!("no answer after {THROUGH_LIMIT:?}: {error:#}"),
        }
    }
}

fn state(cluster: &Cluster) -> Result<(Value, Value)> {
    Ok((Service::of(cluster, "ledger")?.audit()?, Service::of(cluster, "counter")?.audit()?))
}

fn is_through(ledger: &Value, counter: &Value, expected: usize) -> bool {
    let idle = |audit: &Value| audit["waiting"]["outbox"] == 0 && audit["waiting"]["pending"] == 0;
    let lines = [&ledger["entries"], &counter["counted"]["lines"], &ledger["returned"]["lines"]];
    idle(ledger) && idle(counter) && lines.iter().all(|lines| lines.as_u64() >= Some(expected as u64))
}

/// Every acknowledged entry is there once, with its contents, and nothing else is.
fn compare(place: &str, acknowledged: &[Acknowledged], found: &[Value], id: &str, faults: &mut Vec<String>) {
    let mut times: HashMap<&str, (usize, &Value)> = HashMap::with_capacity(found.len());
    for row in found {
        let own = row[id].as_str().unwrap_or_default();
        times.entry(own).or_insert((0, row)).0 += 1;
    }
    let (mut lost, mut doubled, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for entry in acknowledged {
        match times.remove(entry.id.as_str()) {
            None => lost.push(entry.id.clone()),
            Some((1, row)) if row["account"] == entry.account && row["amount"] == entry.amount => {}
            Some((1, _)) => changed.push(entry.id.clone()),
            Some((count, _)) => doubled.push(format!("{} ({count} times)", entry.id)),
        }
    }
    let strangers: Vec<_> = times.into_keys().map(str::to_owned).collect();
    for (what, ids) in [
        ("acknowledged and not", lost),
        ("more than once", doubled),
        ("changed", changed),
        ("never acknowledged, but", strangers),
    ] {
        if !ids.is_empty() {
            let first = ids.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            faults.push(format!("{} entries are {what} {place}: {first}, ..", ids.len()));
        }
    }
}

/// The tallies agree with the logs, nothing came out of order, nothing was given up.
fn figures(service: &str, audit: &Value, log: &str, faults: &mut Vec<String>) {
    let figures = &audit[log];
    for (one, other) in [("lines", "different"), ("lines", "tallied"), ("sum", "talliedSum")] {
        if figures[one] != figures[other] {
            faults.push(format!("{service}: {log}.{one} is not {log}.{other}: {audit}"));
        }
    }
    for figure in ["late", "gaps"] {
        if figures[figure] != 0 {
            faults.push(format!("{service}: {} arrived out of order ({figure})", figures[figure]));
        }
    }
    for figure in ["outbox", "pending", "dead"] {
        if audit["waiting"][figure] != 0 {
            faults.push(format!("{service}: {figure} holds {}", audit["waiting"][figure]));
        }
    }
}

/// One service, asked on any of its processes.
pub(super) struct Service {
    name: &'static str,
    port: u16,
}

impl Service {
    pub(super) fn of(cluster: &Cluster, name: &'static str) -> Result<Self> {
        let port = *cluster.ports(name).first().with_context(|| format!("nobody runs {name}"))?;
        Ok(Self { name, port })
    }

    pub(super) fn audit(&self) -> Result<Value> {
        self.get(&format!("/api/v1/{}/audit", self.name))
    }

    /// The whole of a list, page by page; `cursor` names the field that tells the next page where to begin.
    fn list(&self, list: &str, cursor: &str) -> Result<Vec<Value>> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let after = match rows.last().map(|row| &row[cursor]) {
                None => String::new(),
                Some(Value::String(text)) => format!("?after={text}"),
                Some(value) => format!("?after={value}"),
            };
            let Value::Array(page) = self.get(&format!("/api/v1/{}/{list}{after}", self.name))? else {
                bail!("{}: {list} is not a list", self.name);
            };
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = Connection::open(self.port)?.ask(get(path).as_bytes())?;
        if answer.status != 200 {
            bail!("GET {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        let mut answer: Value = serde_json::from_slice(&answer.body)?;
        Ok(answer["data"].take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn acknowledged(id: &str) -> Acknowledged {
        Acknowledged { id: id.to_owned(), account: "a".to_owned(), amount: 5 }
    }

    fn faults(found: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let found = found.as_array().unwrap();
        compare("there", &[acknowledged("1"), acknowledged("2")], found, "id", &mut faults);
        faults
    }

    #[test]
    fn once_each_is_well() {
        let found =
            json!([{"id": "2", "account": "a", "amount": 5}, {"id": "1", "account": "a", "amount": 5}]);
        assert!(faults(&found).is_empty());
    }

    #[test]
    fn lost_doubled_changed_and_strange_entries_are_told_apart() {
        let row = |id: &str, amount: i64| json!({"id": id, "account": "a", "amount": amount});
        assert_eq!(faults(&json!([row("1", 5)])), ["1 entries are acknowledged and not there: 2, .."]);
        assert_eq!(
            faults(&json!([row("1", 5), row("2", 5), row("1", 5)])),
            ["1 entries are more than once there: 1 (2 times), .."]
        );
        assert_eq!(faults(&json!([row("1", 5), row("2", 6)])), ["1 entries are changed there: 2, .."]);
        assert_eq!(
            faults(&json!([row("1", 5), row("2", 5), row("3", 5)])),
            ["1 entries are never acknowledged, but there: 3, .."]
        );
    }

    #[test]
    fn a_tally_that_disagrees_and_an_order_that_broke_are_faults() {
        let well = json!({"lines": 2, "different": 2, "sum": 3, "tallied": 2, "talliedSum": 3, "late": 0, "gaps": 0});
        let idle = json!({"outbox": 0, "pending": 0, "dead": 0});
        let count = |figures: Value, waiting: Value| {
            let mut faults = Vec::new();
            figures_of(&json!({"counted": figures, "waiting": waiting}), &mut faults);
            faults.len()
        };
        let with = |base: &Value, field: &str, value: i64| {
            let mut changed = base.clone();
            changed[field] = value.into();
            changed
        };
        assert_eq!(count(well.clone(), idle.clone()), 0);
        assert_eq!(count(with(&well, "different", 1), idle.clone()), 1);
        assert_eq!(count(with(&well, "late", 1), idle.clone()), 1);
        assert_eq!(count(with(&well, "talliedSum", 4), idle.clone()), 1);
        assert_eq!(count(well, with(&idle, "dead", 1)), 1);
    }

    fn figures_of(audit: &Value, faults: &mut Vec<String>) {
        figures("counter", audit, "counted", faults);
    }
}
