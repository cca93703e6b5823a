//! Every address that a host name has is an instance.
//!
//! The system's resolver is asked, so `/etc/hosts`, search domains and a headless service of Kubernetes mean what they mean
//! to every other program on the machine. It tells no times to live and knows no SRV records.

use super::{Base, Source};
use anyhow::{Context, anyhow};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long one question may take. The resolver's own patience is longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Following one host name.
#[derive(Debug)]
pub struct ByDns<'a> {
    base: &'a Base,
    refresh: Duration,
}

impl<'a> ByDns<'a> {
    /// `base` names a port; its host is asked for again after `refresh`.
    #[must_use]
    pub fn new(base: &'a Base, refresh: Duration) -> Self {
        Self { base, refresh }
    }
}

impl Source for ByDns<'_> {
    type Found = Base;

    fn pause(&self) -> Duration {
        self.refresh
    }

    async fn ask(&mut self) -> anyhow::Result<Vec<Base>> {
        ask(self.base).await
    }
}

async fn ask(base: &Base) -> anyhow::Result<Vec<Base>> {
    let port = base.port().context("it names no port")?;
    let answer = timeout(PATIENCE, lookup_host((base.host(), port))).await;
    let addresses = answer.map_err(|_| anyhow!("no answer within {PATIENCE:?}"))??;
    addresses.map(|address| base.at(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_has_addresses_and_keeps_port_and_path() {
        let found = ask(&Base::parse("http://localhost:8080/base").unwrap()).await.unwrap();
        let local = Base::parse("http://127.0.0.1:8080/base").unwrap();
        assert!(found.contains(&local), "{found:?}");
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_an_error() {
        assert!(ask(&Base::parse("http://nobody.invalid:1").unwrap()).await.is_err());
    }
}
