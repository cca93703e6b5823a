//! What `peers.<name>` says: where the instances of a peer are, or who knows it.

use super::base::Base;
use anyhow::{Context, bail};

/// What one setting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// These instances: URLs with commas between.
    Fixed(Vec<Base>),
    /// Every address that this host name has: `dns+http://host:port`.
    Dns(Base),
    /// Whatever a Consul agent knows to be healthy: `consul+http://host:8500/service?tag=x`.
    Consul(Catalogue),
}

/// A service in Consul's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// The agent, with the path of its API.
    pub(super) agent: Base,
    /// The path and query of the question, without its index.
    pub(super) question: String,
    /// How instances are spoken to.
    pub(super) scheme: &'static str,
}

impl Address {
    /// Reads a setting.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if let Some(url) = text.strip_prefix("dns+") {
            return dns(url);
        }
        if let Some(url) = text.strip_prefix("consul+") {
            return Ok(Self::Consul(consul(url)?));
        }
        let bases: Vec<Base> = text.split(',').map(Base::parse).collect::<anyhow::Result<_>>()?;
        for (place, base) in bases.iter().enumerate() {
            if bases.iter().take(place).any(|earlier| earlier == base) {
                bail!("`{base}` is named twice");
            }
        }
        Ok(Self::Fixed(bases))
    }

    /// Whether all is known already.
    pub(super) const fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// A word for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "static",
            Self::Dns(_) => "dns",
            Self::Consul(_) => "consul",
        }
    }
}

fn dns(url: &str) -> anyhow::Result<Address> {
    let base = Base::parse(url)?;
    if base.is_tls() {
        bail!(
            "dns+https:// cannot be: a certificate names a host, not the addresses behind it; use https://host"
        );
    }
    if base.port().is_none() {
        bail!("`dns+{url}` must name a port: dns+http://host:port");
    }
    Ok(Address::Dns(base))
}

impl Catalogue {
    /// Reads `http://agent:8500/service?tag=x`.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        consul(url)
    }

    /// Whether instances are spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == "https"
    }
}

fn consul(url: &str) -> anyhow::Result<Catalogue> {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let (agent, service) = url.trim_end_matches('/').rsplit_once('/').context(CONSUL)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let named = |text: &str| !text.is_empty() && text.bytes().all(fine);
    let agent = Base::parse(agent).context(CONSUL)?;
    if !named(service) {
        bail!("`{service}` is not a service of Consul: {CONSUL}");
    }
    let mut question = format!("/v1/health/service/{service}?passing=1");
    let mut scheme = "http";
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((name @ ("tag" | "dc" | "ns"), value)) if named(value) => {
                question.push_str(&format!("&{name}={value}"));
            }
            Some(("scheme", "http")) => scheme = "http",
            Some(("scheme", "https")) => scheme = "https",
            _ => bail!("`{pair}` is not known: tag, dc, ns, and scheme=https may follow the question mark"),
        }
    }
    Ok(Catalogue { agent, question, scheme })
}

const CONSUL: &str = "it must be like consul+http://127.0.0.1:8500/service?tag=x";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_commas_between_are_instances() {
        let address = Address::parse("http://a:1, https://b:2/base").unwrap();
        let Address::Fixed(bases) = address else { panic!("{address:?}") };
        let shown: Vec<String> = bases.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["http://a:1", "https://b:2/base"]);
    }

    #[test]
    fn a_host_name_stands_for_its_addresses() {
        let address = Address::parse("dns+http://auth.internal:8080/base").unwrap();
        let Address::Dns(base) = address else { panic!("{address:?}") };
        assert_eq!((base.host(), base.port()), ("auth.internal", Some(8080)));
    }

    #[test]
    fn a_service_of_consul_is_asked_for_by_name_and_tag() {
        let address = Address::parse("consul+https://consul.internal:8501/auth?tag=v2&scheme=https").unwrap();
        let Address::Consul(catalogue) = address else { panic!("{address:?}") };
        assert_eq!(catalogue.question, "/v1/health/service/auth?passing=1&tag=v2");
        assert_eq!(
            (catalogue.agent.to_string().as_str(), catalogue.scheme),
            ("https://consul.internal:8501", "https")
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "",
            "http://a:1,",
            "http://a:1,http://a:1",
            "auth:8080",
            "dns+http://auth",
            "dns+https://auth:443",
            "dns+http://a:1,b:2",
            "consul+http://consul:8500",
            "consul+http://consul:8500/",
            "consul+http://consul:8500/au th",
            "consul+http://consul:8500/auth?tag=a/b",
            "consul+http://consul:8500/auth?token=secret",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
