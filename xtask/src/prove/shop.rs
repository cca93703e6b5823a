//! `bowline prove`, the product's own command, with private servers for the cluster.

use crate::process::{Supervised, interrupted};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use testkit::servers::{Nats, Postgres, Redis};

/// How the platform is cut, and who leads a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) shape: &'static str,
    pub(super) flow: &'static str,
}

impl Cut {
    pub(super) const ALL: [Self; 4] = [
        Self { shape: "one", flow: "orchestration" },
        Self { shape: "one", flow: "choreography" },
        Self { shape: "cluster", flow: "orchestration" },
        Self { shape: "cluster", flow: "choreography" },
    ];

    pub(super) fn name(self) -> String {
        format!("shop/{}/{}", self.shape, self.flow)
    }
}

/// What a run came to.
pub(super) struct Outcome {
    pub(super) kills: usize,
    pub(super) requests: u64,
    pub(super) orders: u64,
    pub(super) faults: Vec<String>,
}

/// Runs it; its data and logs are below `home`.
pub(super) fn run(
    binary: &Path,
    home: &Path,
    cut: Cut,
    buyers: usize,
    kills: usize,
    seed: u64,
) -> Result<Outcome> {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", home)
        .args(["prove", "--json", "--shape", cut.shape, "--flow", cut.flow])
        .args(["--buyers", &buyers.to_string(), "--kills", &kills.to_string(), "--seed", &seed.to_string()])
        .current_dir(home)
        .stdin(Stdio::null());
    // They end with this function.
    let mut servers = None;
    if cut.shape == "cluster" {
        let (postgres, redis, nats) = (Postgres::start()?, Redis::start()?, Nats::start()?);
        command.args(["--database-url", &postgres.url("{service}")]);
        command.args(["--redis-url", &redis.url(), "--bus-url", &nats.url()]);
        servers = Some((postgres, redis, nats));
    }
    let (out, log) = (home.join("report"), home.join("progress"));
    command.stdout(File::create(&out)?).stderr(File::create(&log)?);
    let passed = Supervised::spawn(&mut command)?.wait()?;
    drop(servers);
    if interrupted() {
        bail!("interrupted");
    }
    let report = std::fs::read_to_string(&out)?;
    let Ok(report) = serde_json::from_str::<Value>(&report) else {
        bail!("{}{}", report, std::fs::read_to_string(&log)?);
    };
    let faults = faults(&report);
    if !passed && faults.is_empty() {
        bail!("it failed and does not say why:\n{}", std::fs::read_to_string(&log)?);
    }
    let number = |field: &str| report[field].as_u64().with_context(|| format!("the report has no {field}"));
    Ok(Outcome {
        kills: report["killed"].as_array().map_or(0, Vec::len),
        requests: number("requests")?,
        orders: report["orders"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum(),
        faults,
    })
}

/// What a report does not find in order, in words.
fn faults(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut faults: Vec<String> = report["faults"].as_array().into_iter().flatten().map(text).collect();
    for finding in report["findings"].as_array().into_iter().flatten() {
        let rule = format!("{} {}", text(&finding["service"]), text(&finding["invariant"]));
        if finding["error"].is_string() {
            faults.push(format!("{rule}: {}", text(&finding["error"])));
        }
        for violation in finding["violations"].as_array().into_iter().flatten() {
            faults.push(format!("{rule}: {}: {}", text(&violation["subject"]), text(&violation["found"])));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::faults;
    use serde_json::json;

    #[test]
    fn every_fault_of_a_report_is_told() {
        let finding = json!({
            "service": "inventory", "invariant": "stock-is-never-negative", "error": null,
            "violations": [{"subject": "product 1", "found": "-1"}],
        });
        let unseen = json!({"service": "orders", "invariant": "all-end", "error": "it cannot be looked at", "violations": []});
        let report = json!({"faults": ["an order too many"], "findings": [finding, unseen]});
        assert_eq!(
            faults(&report),
            [
                "an order too many",
                "inventory stock-is-never-negative: product 1: -1",
                "orders all-end: it cannot be looked at"
            ]
        );
    }
}
