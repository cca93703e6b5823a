//! Where the instances of an upstream are: listed, or known to DNS or Consul, which are asked again and again.
//!
//! What must hold: whatever is asked fails, answers nothing or is away for hours, the instances that were known last stay. An
//! empty answer is not believed: who gives the addresses may be as ill as the instances.

use super::inner::Inner;
use super::spec::{UpstreamSpec, Wrong, range};
use super::srv;
use anyhow::Context;
use chassis::peer::{Base, ByConsul, ByDns, Catalogue, Source, keep_asking};
use chassis::stop::Stop;
use http::uri::Authority;
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// More instances than these are not looked at.
pub(super) const MOST: usize = 1_000;

/// An instance as it is named by who knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) base: Base,
    /// The host that it is known by, and its port where the URL names one.
    pub(super) host: Authority,
    pub(super) weight: u32,
}

/// Who knows where the instances are.
pub(super) enum Where {
    Listed(Vec<Found>),
    /// Every address of a host.
    Dns(Base),
    Srv(BySrv),
    Consul(Catalogue),
}

/// SRV records.
pub(super) struct BySrv {
    name: String,
    scheme: &'static str,
    resolver: Option<SocketAddr>,
    refresh: Duration,
}

impl UpstreamSpec {
    /// What it says about where instances are.
    pub(super) fn source(&self) -> anyhow::Result<Where> {
        if let Some(url) = &self.dns {
            let base = Base::parse(url).context("dns")?;
            base.port().context("dns must name a port: http://host:port")?;
            return Ok(Where::Dns(base));
        }
        if let Some(name) = &self.srv {
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            let (name, resolver, refresh) = (name.clone(), self.resolver, self.refresh());
            return Ok(Where::Srv(BySrv { name, scheme, resolver, refresh }));
        }
        if let Some(url) = &self.consul {
            return Ok(Where::Consul(Catalogue::parse(url).context("consul")?));
        }
        let listed = self.instances.iter().map(|one| Ok(Found::of(Base::parse(one.url())?, one.weight())));
        Ok(Where::Listed(listed.collect::<anyhow::Result<_>>()?))
    }

    pub(super) fn check_source(&self, wrong: &mut Wrong) {
        let named = [("dns", &self.dns), ("srv", &self.srv), ("consul", &self.consul)];
        let mut named = named.into_iter().filter(|(_, text)| text.is_some()).map(|(field, _)| field);
        let mut say = |field: &str, what: String| wrong.push((field.to_owned(), what));
        let Some(first) = named.next() else { return };
        if !self.instances.is_empty() {
            say("instances", format!("{first} says where they are; name the one or the other"));
        }
        if let Some(second) = named.next() {
            say(second, format!("{first} says where instances are; name the one or the other"));
        }
        if let Err(error) = self.source() {
            say(first, format!("{error:#}"));
        }
        if self.srv.as_deref().is_some_and(|name| !srv::is_name(name)) {
            say("srv", "it must be a name such as _http._tcp.shop.example".to_owned());
        }
        if self.srv.is_none() && self.resolver.is_some() {
            say("resolver", "only srv is asked there; dns asks the system's resolver".to_owned());
        }
        if self.consul.is_none() && self.consul_token_file.is_some() {
            say("consul_token_file", "it has a meaning with consul only".to_owned());
        }
        range(wrong, "refresh_secs", self.refresh_secs, 1, 3_600);
    }

    /// Whether there is an instance that is spoken to over TLS.
    pub(super) fn uses_tls(&self) -> bool {
        match self.source() {
            Ok(Where::Listed(found)) => found.iter().any(|found| found.base.is_tls()),
            Ok(Where::Dns(base)) => base.is_tls(),
            Ok(Where::Srv(_)) => self.tls.is_some(),
            Ok(Where::Consul(catalogue)) => catalogue.is_tls(),
            Err(_) => false,
        }
    }
}

impl Found {
    fn of(base: Base, weight: u32) -> Self {
        Self { host: base.authority().clone(), base, weight }
    }
}

impl Source for BySrv {
    type Found = srv::Record;

    fn pause(&self) -> Duration {
        self.refresh
    }

    async fn ask(&mut self) -> anyhow::Result<Vec<srv::Record>> {
        match self.resolver {
            Some(server) => srv::ask(&self.name, &[server]).await,
            None => srv::ask(&self.name, &srv::servers().await?).await,
        }
    }
}

/// What records say, with weights from 1 to 100.
fn recorded(records: &[srv::Record], scheme: &str) -> anyhow::Result<Vec<Found>> {
    let greatest = records.iter().map(|record| record.weight).max().unwrap_or(0).max(1);
    let scaled = |weight: u16| match greatest {
        0..=100 => u32::from(weight),
        _ => u32::from(weight) * 100 / u32::from(greatest),
    };
    let found = |record: &srv::Record| {
        let base = Base::parse(&format!("{scheme}://{}:{}", record.target, record.port))?;
        Ok(Found::of(base, scaled(record.weight).max(1)))
    };
    records.iter().map(found).collect()
}

/// Follows where the instances are, by the settings of the moment, until the stop.
pub(super) async fn follow(inner: Arc<Inner>, stop: Stop) {
    let mut changes = inner.changes.subscribe();
    loop {
        changes.borrow_and_update();
        let settings = inner.settings.load_full();
        tokio::select! {
            () = ask_on(&inner, &settings, &stop) => {}
            changed = changes.changed() => if changed.is_err() { return },
            () = stop.stopping() => return,
        }
    }
}

async fn ask_on(inner: &Inner, settings: &UpstreamSpec, stop: &Stop) {
    let mut failing = false;
    match settings.source() {
        Ok(Where::Dns(base)) => {
            let host = base.authority().clone();
            let found = |base| Found { base, host: host.clone(), weight: 1 };
            let hear = |answer: anyhow::Result<Vec<Base>>| {
                inner.heard("dns", answer.map(|bases| bases.into_iter().map(found).collect()), &mut failing)
            };
            keep_asking(ByDns::new(&base, settings.refresh()), hear, stop).await;
        }
        Ok(Where::Srv(source)) => {
            let scheme = source.scheme;
            let hear = |answer: anyhow::Result<Vec<srv::Record>>| {
                inner.heard("srv", answer.and_then(|records| recorded(&records, scheme)), &mut failing)
            };
            keep_asking(source, hear, stop).await;
        }
        Ok(Where::Consul(catalogue)) => {
            let token = match token(settings.consul_token_file.as_deref()).await {
                Ok(token) => token.map(Into::into),
                Err(error) => {
                    inner.heard("consul", Err(error), &mut failing);
                    return tokio::time::sleep(settings.refresh()).await;
                }
            };
            let hear = |answer: anyhow::Result<Vec<Base>>| {
                let found = |base| Found::of(base, 1);
                inner.heard(
                    "consul",
                    answer.map(|bases| bases.into_iter().map(found).collect()),
                    &mut failing,
                )
            };
            keep_asking(ByConsul::new(&catalogue, token.as_ref(), settings.refresh()), hear, stop).await;
        }
        Ok(Where::Listed(_)) | Err(_) => pending().await,
    }
}

async fn token(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let text = tokio::fs::read_to_string(path).await;
    let text = text.with_context(|| format!("consul_token_file: cannot read {}", path.display()))?;
    Ok(Some(text.trim().to_owned()))
}

impl Inner {
    /// Takes an answer in; whether it was one.
    fn heard(&self, by: &'static str, answer: anyhow::Result<Vec<Found>>, failing: &mut bool) -> bool {
        let upstream = &*self.name;
        let learned = answer.and_then(|mut found| {
            anyhow::ensure!(!found.is_empty(), "it knows no instance");
            found.sort_by_cached_key(|found| (found.base.to_string(), found.host.to_string()));
            found.dedup_by(|one, other| one.base == other.base);
            found.truncate(MOST);
            let _alone = self.lock();
            Ok(self.learn(found, &self.settings.load()))
        });
        match &learned {
            Ok(None) => {}
            Ok(Some((new, gone))) => {
                tracing::info!(upstream, by, new, gone, "instances of an upstream");
                self.held.news();
            }
            Err(error) if !*failing => {
                let trouble = format!("{error:#}");
                tracing::warn!(
                    upstream,
                    by,
                    trouble,
                    "discovery gives no instances; those known last are kept"
                );
            }
            Err(_) => {}
        }
        if learned.is_ok() && *failing {
            tracing::info!(upstream, by, "discovery gives instances again");
        }
        *failing = learned.is_err();
        self.meter.discovered(!*failing);
        !*failing
    }
}
