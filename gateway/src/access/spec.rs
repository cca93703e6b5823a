//! What a route of the routes file says about who may use it.
//!
//! What must hold: what is not said lets nobody in who is not logged in, and a rule that would do nothing, or let in more than
//! whoever wrote it can have meant, is an error of the file and not a surprise.

use contract::gateway::{SCOPE, is_scope};
use contract::identity::Role;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;
use std::str::FromStr;

/// `access = { .. }` of a route.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessSpec {
    /// Which kind of caller.
    pub(crate) who: Who,
    /// Of people: one of these roles.
    pub(crate) roles: Vec<Role>,
    /// Of API keys, and of people of an external provider: all of these scopes.
    pub(crate) scopes: Vec<String>,
    /// Services of the platform that may as well, by their own credential.
    pub(crate) services: Vec<String>,
    /// People of this external identity provider, in place of those with an account here.
    pub(crate) provider: Option<String>,
    /// Only from these networks; from everywhere when there are none.
    pub(crate) allow: Vec<Network>,
    /// Not from these, whatever else is said.
    pub(crate) deny: Vec<Network>,
    /// Whether a changing request that is authenticated by a cookie has to come from a page that may send it.
    pub(crate) csrf: bool,
    /// Whether the header `Authorization` reaches an upstream that is not Bowline's own.
    pub(crate) pass_authorization: bool,
}

/// Which kind of caller may use a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Everybody. Credentials are not looked at.
    Public,
    /// A person who is logged in.
    #[default]
    User,
    /// A program with an API key.
    Key,
    /// Either of them. A key that is sent decides.
    UserOrKey,
    /// Only services of the platform.
    Service,
}

impl Who {
    pub(crate) const fn is_person(self) -> bool {
        matches!(self, Self::User | Self::UserOrKey)
    }

    pub(crate) const fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::UserOrKey)
    }
}

impl Default for AccessSpec {
    fn default() -> Self {
        Self {
            who: Who::default(),
            roles: Vec::new(),
            scopes: Vec::new(),
            services: Vec::new(),
            provider: None,
            allow: Vec::new(),
            deny: Vec::new(),
            csrf: true,
            pass_authorization: false,
        }
    }
}

impl AccessSpec {
    /// Each field that cannot work, and what would.
    pub(crate) fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |field: &str, what: &str| wrong.push((field.to_owned(), what.to_owned()));
        let scoped = self.who.is_key() || self.provider.is_some();
        if !self.roles.is_empty() && !self.who.is_person() {
            say(
                "roles",
                "are of people; they go with who = \"user\" or \"user_or_key\". API keys have scopes",
            );
        }
        if !self.roles.is_empty() && self.who == Who::UserOrKey && self.scopes.is_empty() {
            say("scopes", "must be named beside roles with who = \"user_or_key\", or every API key would do");
        }
        if !self.scopes.is_empty() && !scoped {
            say("scopes", "are of API keys and of people of a provider; people of Bowline have roles");
        }
        if self.provider.is_some() && !self.who.is_person() {
            say("provider", "knows people; it goes with who = \"user\" or \"user_or_key\"");
        }
        match (self.who, self.services.is_empty()) {
            (Who::Service, true) => say("services", "must name those that may, with who = \"service\""),
            (Who::Public, false) => say("services", "says nothing where everybody may; leave it out"),
            _ => {}
        }
        for (at, scope) in self.scopes.iter().enumerate() {
            if !is_scope(scope) {
                say(&format!("scopes[{at}]"), SCOPE);
            }
        }
        wrong
    }
}

/// Some addresses: a network, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network(IpNet);

impl Network {
    pub(super) fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => {
                text.parse().map_err(|_| "must be a network such as 10.0.0.0/8, or an address".to_owned())?
            }
        };
        Ok(Self(canonical(network).trunc()))
    }
}

/// A network of IPv4 that was written as one of IPv6 (`::ffff:10.0.0.0/104`): addresses of clients never are.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(six) => six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let four = mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(toml: &str) -> Vec<String> {
        let spec: AccessSpec = toml::from_str(toml).unwrap();
        spec.check().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_route_that_says_nothing_wants_somebody_logged_in() {
        let spec: AccessSpec = toml::from_str("").unwrap();
        assert_eq!((spec.who, spec.csrf, spec.pass_authorization), (Who::User, true, false));
        assert_eq!(spec, AccessSpec::default());
        assert!(spec.check().is_empty());
    }

    #[test]
    fn a_rule_that_would_do_nothing_or_too_much_names_its_field() {
        assert_eq!(wrong("who = 'key'\nroles = ['admin']"), ["roles"]);
        assert_eq!(wrong("who = 'user_or_key'\nroles = ['admin']"), ["scopes"]);
        assert_eq!(wrong("scopes = ['orders:read']"), ["scopes"]);
        assert_eq!(wrong("who = 'public'\nprovider = 'google'"), ["provider"]);
        assert_eq!(wrong("who = 'service'"), ["services"]);
        assert_eq!(wrong("who = 'public'\nservices = ['orders']"), ["services"]);
        assert_eq!(
            wrong("who = 'key'\nscopes = ['orders:read', 'two words', '']"),
            ["scopes[1]", "scopes[2]"]
        );
        for fine in [
            "who = 'public'",
            "roles = ['admin', 'vendor']",
            "who = 'key'\nscopes = ['orders:read']",
            "who = 'user_or_key'\nroles = ['admin']\nscopes = ['orders:read']",
            "who = 'service'\nservices = ['orders']",
            "provider = 'google'\nscopes = ['orders:read']\nroles = ['admin']",
            "allow = ['10.0.0.0/8', '2001:db8::1']\ndeny = ['10.1.0.0/16']",
        ] {
            assert!(wrong(fine).is_empty(), "{fine}: {:?}", wrong(fine));
        }
    }

    #[test]
    fn what_is_no_network_no_role_and_no_setting_is_refused() {
        for text in
            ["allow = ['10.0.0.0/33']", "deny = ['home']", "roles = ['root']", "whom = 'user'", "who = 'all'"]
        {
            assert!(toml::from_str::<AccessSpec>(text).is_err(), "{text}");
        }
        let error = toml::from_str::<AccessSpec>("allow = ['home']").unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        let network: Network = "10.1.2.3".parse().unwrap();
        assert_eq!(network.to_string(), "10.1.2.3/32");
        let mapped: Network = "::ffff:10.1.2.3".parse().unwrap();
        assert_eq!(network, mapped);
        let wide: Network = "10.1.2.3/8".parse().unwrap();
        assert_eq!(wide.to_string(), "10.0.0.0/8");
    }

    #[test]
    fn a_network_of_ipv4_is_the_same_however_it_is_written() {
        let of = |text: &str| text.parse::<Network>().unwrap().to_string();
        assert_eq!(of("::ffff:10.1.2.3/104"), "10.0.0.0/8");
        assert_eq!(of("::ffff:0:0/96"), "0.0.0.0/0");
        assert_eq!(of("::ffff:0:0/95"), "::fffe:0:0/95");
        assert_eq!(of("2001:db8::/104"), "2001:db8::/104");
        let denied: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(denied.contains([10, 1, 2, 3].into()));
    }
}
