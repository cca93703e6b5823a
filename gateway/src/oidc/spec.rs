//! What the routes file says of an identity provider that is not of the platform.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::identity::Role;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// `[provider.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSpec {
    /// Who issues its tokens, exactly as they say (`iss`). What it offers is read at `/.well-known/openid-configuration` below.
    pub(crate) issuer: String,
    /// What this gateway is called there.
    pub(crate) client_id: String,
    /// The secret of this client. Without one, no browser can log in.
    #[serde(default)]
    pub(crate) client_secret: Option<Secret>,
    /// The file in which that secret stands.
    #[serde(default)]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// What is asked for when somebody logs in.
    #[serde(default = "openid")]
    pub(crate) scopes: Vec<String>,
    /// Whom access tokens are for (`aud`); the client, when nothing is said.
    #[serde(default)]
    pub(crate) audience: Option<String>,
    /// Which roles its people have here.
    #[serde(default)]
    pub(crate) roles: RolesSpec,
}

/// Which claim says what somebody is, and what that means here.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesSpec {
    /// The claim: a name, or several with dots between them, such as `realm_access.roles`.
    #[serde(default)]
    pub(crate) claim: String,
    /// What a value of it is here. What is not named is nothing.
    #[serde(default)]
    pub(crate) map: BTreeMap<String, Role>,
}

/// A text that is never shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) SecretString);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

fn openid() -> Vec<String> {
    vec!["openid".to_owned()]
}

impl ProviderSpec {
    /// Each field that cannot work, and what would.
    pub(crate) fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |field: &str, what: &str| wrong.push((field.to_owned(), what.to_owned()));
        if !is_safe(&self.issuer) || self.issuer.contains(['?', '#']) {
            say("issuer", "must be an https:// URL without query; http:// only on this machine");
        }
        if self.client_id.trim().is_empty() {
            say("client_id", "must not be empty");
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            say("client_secret_file", "says the same as client_secret; leave one of them out");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            say("scopes", "must have openid among them");
        }
        if self.roles.claim.is_empty() != self.roles.map.is_empty() {
            say("roles", "must have both: the claim, and in map what its values are here");
        }
        wrong
    }

    /// What a session of its people rests on: who vouches, for which client, and what they may here. As a hash.
    pub(super) fn terms(&self) -> String {
        let mut said = vec![&*self.issuer, &*self.client_id, &*self.roles.claim];
        said.extend(self.roles.map.iter().flat_map(|(value, role)| [&**value, role.as_str()]));
        said.extend(self.scopes.iter().map(String::as_str));
        URL_SAFE_NO_PAD.encode(digest(&SHA256, said.join("\n").as_bytes()))
    }

    /// Whom access tokens are for.
    pub(super) fn audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(&self.client_id)
    }
}

/// Whether what is said to this URL is said to nobody else: over TLS, or without leaving the machine.
pub(super) fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    let Some(host) = url.host() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme_str() == Some("https") || (url.scheme_str() == Some("http") && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_cannot_work_names_its_field() {
        let wrong = |more: &str| {
            let spec: ProviderSpec = toml::from_str(&format!("client_id = 'door'\n{more}")).unwrap();
            spec.check().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert!(wrong("issuer = 'https://accounts.example'").is_empty());
        assert!(wrong("issuer = 'http://127.0.0.1:9000/realm'").is_empty());
        assert_eq!(wrong("issuer = 'http://accounts.example'"), ["issuer"]);
        assert_eq!(wrong("issuer = 'https://accounts.example?x=1'"), ["issuer"]);
        assert_eq!(wrong("issuer = 'https://a.example'\nscopes = ['email']"), ["scopes"]);
        assert_eq!(wrong("issuer = 'https://a.example'\nroles = { claim = 'groups' }"), ["roles"]);
        let both = "issuer = 'https://a.example'\nclient_secret = 'a'\nclient_secret_file = 'b'";
        assert_eq!(wrong(both), ["client_secret_file"]);
        let spec: ProviderSpec = toml::from_str(&format!("client_id = 'door'\n{both}")).unwrap();
        assert!(!format!("{spec:?}").contains("\"a\""), "{spec:?}");
    }
}
