//! Very many requests and calls that end by their deadline, and what memory is left behind.

use super::asked::{Asked, Silent};
use super::ground::{self, CLIENT};
use crate::{Issuer, RawPeer};
use axum::body::Body;
use chassis::http::{Caller, Front, X_REQUEST_TIMEOUT_MS};
use chassis::service::Registration;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Requests at once.
const AT_ONCE: usize = 256;
/// What a request waits for, in milliseconds.
const PATIENCE: &str = "5";

/// What never answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Never {
    /// The route itself.
    Route,
    /// A peer that takes the connection and the request.
    Peer,
}

/// Asks for what never comes, `requests` times; memory is read after a tenth of them and after all.
pub(super) async fn measure(
    never: Never,
    requests: usize,
    settings: &[(String, String)],
) -> anyhow::Result<Value> {
    let silent = RawPeer::start(|mut wire| async move {
        wire.rest().await;
        Ok(())
    })
    .await;
    let mut settings = settings.to_vec();
    settings.push(("BOWLINE_PEERS__SILENT".to_owned(), silent.url()));
    let issuer = Issuer::new();
    let services = [ground::AUTH, Registration::of::<Asked>(), Registration::of::<Silent>()];
    let ground = ground::lay(&services, "auth,asked", &issuer, &settings).await?;
    let front = ground.assembled.front();
    let path = match never {
        Never::Route => "/api/v1/asked/never",
        Never::Peer => "/api/v1/asked/silent",
    };
    let mut answers = BTreeMap::new();
    wave(front, path, requests / 10, &mut answers).await?;
    let early = resident_kib();
    wave(front, path, requests - requests / 10, &mut answers).await?;
    let timed_out = answers.get(&StatusCode::GATEWAY_TIMEOUT.as_u16()).copied().unwrap_or(0);
    Ok(json!({"early": early, "end": resident_kib(), "timed_out": timed_out, "answers": answers}))
}

async fn wave(
    front: &Front,
    path: &'static str,
    requests: usize,
    answers: &mut BTreeMap<u16, usize>,
) -> anyhow::Result<()> {
    let left = Arc::new(AtomicUsize::new(requests));
    let mut asking = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (front, left) = (front.clone(), Arc::clone(&left));
        asking.spawn(async move {
            let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
            let take = |left: usize| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                let request = Request::get(path).header(X_REQUEST_TIMEOUT_MS, PATIENCE);
                let answer = front.handle(request.body(Body::empty())?, Caller::Socket(CLIENT)).await;
                *answers.entry(answer.status().as_u16()).or_default() += 1;
            }
            anyhow::Ok(answers)
        });
    }
    while let Some(done) = asking.join_next().await {
        done??.into_iter().for_each(|(status, count)| *answers.entry(status).or_default() += count);
    }
    Ok(())
}

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
