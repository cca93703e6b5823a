//! A call to a peer: in the same process, beside over HTTP on the loopback address.

use super::asked::{Asked, Word};
use super::{gauge, ground};
use crate::{Issuer, Listening};
use anyhow::Context as _;
use chassis::service::Registration;
use serde_json::Value;
use std::time::Duration;

const SERVICES: [Registration; 2] = [ground::AUTH, Registration::of::<Asked>()];

/// Measures a typed client's call, both ends in this process.
pub(super) async fn measure(
    over_http: bool,
    long: Duration,
    settings: &[(String, String)],
) -> anyhow::Result<Value> {
    let issuer = Issuer::new();
    let here = ground::lay(&SERVICES, "all", &issuer, settings).await?;
    if !over_http {
        return call(&here, long).await;
    }
    let listening = Listening::start(&here.assembled, None);
    let mut settings = settings.to_vec();
    settings.push(("BOWLINE_PEERS__ASKED".to_owned(), listening.url()));
    let there = ground::lay(&SERVICES, "auth", &issuer, &settings).await?;
    let cost = call(&there, long).await;
    listening.stop();
    listening.end();
    cost
}

async fn call(ground: &ground::Ground, long: Duration) -> anyhow::Result<Value> {
    let peer = ground.assembled.shared().peer("asked").context("there is no such peer")?.caller();
    gauge::cost(long, async || {
        peer.get::<Word>("/api/v1/asked/open").await?;
        Ok(())
    })
    .await
}
