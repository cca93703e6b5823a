//! The books at the end: what was acknowledged, beside what is in the ledger, was counted, and came back.

use super::cluster::Cluster;
use super::load::{Acknowledged, Entry};
use crate::bench::http::{Connection, get};
use crate::process::interrupted;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long everything may take to come through once the load has ended.
const THROUGH_LIMIT: Duration = Duration::from_secs(120);
/// Where nothing is under way and nothing has changed for so long, nothing more will come.
const STILL_LIMIT: Duration = Duration::from_secs(15);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) acknowledged: usize,
    pub(super) counted: usize,
    pub(super) returned: usize,
    /// Transfers that are done and that were undone.
    pub(super) transfers: (u64, u64),
    pub(super) through: Duration,
    /// What is not as it was promised, in words; nothing when all is well.
    pub(super) faults: Vec<String>,
}

/// Waits until everything has come through, then compares entry by entry.
pub(super) fn audit(cluster: &mut Cluster, acknowledged: &Acknowledged) -> Result<Verdict> {
    let began = Instant::now();
    let waited = wait_until_through(cluster, acknowledged.entries.len());
    let through = began.elapsed();
    let mut faults: Vec<String> = waited.err().map(|error| format!("{error:#}")).into_iter().collect();
    if interrupted() {
        bail!("interrupted");
    }
    let (ledger, counter) = (Service::of(cluster, "ledger")?, Service::of(cluster, "counter")?);
    let entries = ledger.list("entries", "id")?;
    let counted = counter.list("counted", "place")?;
    let returned = ledger.list("returned", "place")?;
    compare("in the ledger", &acknowledged.entries, &entries, "id", &mut faults);
    compare("in the counter's log", &acknowledged.entries, &counted, "entryId", &mut faults);
    compare("in the log of what came back", &acknowledged.entries, &returned, "entryId", &mut faults);
    let (ledger, counter) = (ledger.audit()?, counter.audit()?);
    figures("ledger", &ledger, "returned", &mut faults);
    figures("counter", &counter, "counted", &mut faults);
    let transfers = money(&ledger["money"], &counter["money"], acknowledged, &mut faults);
    Ok(Verdict {
        acknowledged: acknowledged.entries.len() + acknowledged.transfers.len(),
        transfers,
        counted: counted.len(),
        returned: returned.len(),
        through,
        faults,
    })
}

fn wait_until_through(cluster: &mut Cluster, expected: usize) -> Result<()> {
    let end = Instant::now() + THROUGH_LIMIT;
    let mut last = (String::new(), Instant::now());
    loop {
        cluster.look()?;
        match state(cluster) {
            Ok((ledger, counter)) => {
                let (idle, arrived) = (is_idle(&ledger, &counter), has_arrived(&ledger, &counter, expected));
                if idle && arrived {
                    return Ok(());
                }
                let seen = format!("{ledger} {counter}");
                if seen != last.0 {
                    last = (seen, Instant::now());
                }
                if Instant::now() > end || (idle && last.1.elapsed() > STILL_LIMIT) {
                    let after = THROUGH_LIMIT.saturating_sub(end.saturating_duration_since(Instant::now()));
                    bail!(
                        "not through after {:.0} s, {expected} entries acknowledged: {}",
                        after.as_secs_f64(),
                        last.0
                    );
                }
            }
            Err(error) if Instant::now() > end => bail!("no answer after {THROUGH_LIMIT:?}: {error:#}"),
            Err(_) => {}
        }
        std::thread::sleep(ASK_EVERY);
    }
}

fn state(cluster: &Cluster) -> Result<(Value, Value)> {
    Ok((Service::of(cluster, "ledger")?.audit()?, Service::of(cluster, "counter")?.audit()?))
}

/// Nothing is under way.
fn is_idle(ledger: &Value, counter: &Value) -> bool {
    let idle = |audit: &Value| audit["waiting"]["outbox"] == 0 && audit["waiting"]["pending"] == 0;
    idle(ledger) && idle(counter) && ledger["money"]["open"] == 0
}

fn has_arrived(ledger: &Value, counter: &Value, expected: usize) -> bool {
    let lines = [&ledger["entries"], &counter["counted"]["lines"], &ledger["returned"]["lines"]];
    lines.iter().all(|lines| lines.as_u64() >= Some(expected as u64))
}

/// Every acknowledged entry is there once, with its contents, and nothing else is.
fn compare(place: &str, acknowledged: &[Entry], found: &[Value], id: &str, faults: &mut Vec<String>) {
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

/// Money is where it belongs: what the ledger sent is what the counter has, the rest is where it was, nothing is held, and
/// no movement happened twice. A transfer that was to be refused is undone; another one may be as well, when the counter
/// was away for too long. Tells how many are done and undone.
fn money(
    ledger: &Value,
    counter: &Value,
    acknowledged: &Acknowledged,
    faults: &mut Vec<String>,
) -> (u64, u64) {
    let figure = |books: &Value, name: &str| books[name].as_i64().unwrap_or(i64::MIN / 4);
    let own = |name| figure(ledger, name);
    let (done, undone) = (own("done"), own("undone"));
    let refused = acknowledged.transfers.iter().filter(|transfer| transfer.refused).count();
    let most: i64 = acknowledged.transfers.iter().filter(|t| !t.refused).map(|t| t.amount).sum();
    for (well, promise) in [
        (done + undone == acknowledged.transfers.len() as i64, "every transfer has ended"),
        (undone >= refused as i64, "what was refused is undone"),
        (own("open") == 0, "no transfer is open"),
        (own("held") == 0, "nothing is held"),
        (own("balance") + own("sent") == own("opened"), "the ledger's books balance"),
        (own("sent") == figure(counter, "balance"), "what was sent is what has come"),
        (own("sent") == own("doneAmount"), "what is done was sent"),
        (own("sent") <= most, "nothing that was refused was sent"),
        (own("doubled") == 0 && counter["doubled"] == 0, "no movement happened twice"),
        (figure(counter, "deposited") == done, "what is done is deposited"),
        (counter["reserved"] == 0, "nothing is reserved"),
    ] {
        if !well {
            faults.push(format!("transfers: not {promise}: {ledger} {counter}"));
        }
    }
    (u64::try_from(done).unwrap_or(0), u64::try_from(undone).unwrap_or(0))
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

    fn acknowledged(id: &str) -> Entry {
        Entry { id: id.to_owned(), account: "a".to_owned(), amount: 5 }
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

    #[test]
    fn money_that_is_gone_or_came_twice_is_a_fault() {
        use crate::prove::load::Transfer;
        let transfers = vec![Transfer { amount: 7, refused: false }, Transfer { amount: 5, refused: true }];
        let acknowledged = Acknowledged { entries: Vec::new(), transfers };
        let ledger = json!({
            "opened": 100, "balance": 93, "held": 0, "sent": 7, "open": 0, "done": 1, "undone": 1, "doneAmount": 7,
            "doubled": 0
        });
        let counter = json!({"balance": 7, "reserved": 0, "deposited": 1, "doubled": 0});
        let count = |side: &str, field: &str, value: i64| {
            let (mut ledger, mut counter) = (ledger.clone(), counter.clone());
            let changed = if side == "ledger" { &mut ledger } else { &mut counter };
            changed[field] = value.into();
            let mut faults = Vec::new();
            money(&ledger, &counter, &acknowledged, &mut faults);
            faults.len()
        };
        assert_eq!(count("ledger", "held", 0), 0);
        for (side, field, value) in [
            ("ledger", "balance", 92),
            ("ledger", "held", 1),
            ("ledger", "undone", 0),
            ("ledger", "open", 1),
            ("counter", "balance", 14),
            ("counter", "doubled", 1),
            ("counter", "reserved", 1),
        ] {
            assert!(count(side, field, value) > 0, "{side} {field}");
        }
    }

    fn figures_of(audit: &Value, faults: &mut Vec<String>) {
        figures("counter", audit, "counted", faults);
    }
}
