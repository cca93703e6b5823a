//! The settings of Vault.

use crate::config::{Mode, Problems, Validate, settings};
use http::Uri;
use secrecy::SecretString;
use std::net::IpAddr;
use std::time::Duration;

settings! {
    /// HashiCorp Vault, for secrets that are set to `vault:<mount>/<path>#<field>`.
    pub struct VaultConfig {
        /// URL of the server. Plain http is for development and for this machine.
        address: Option<String> = None, env "VAULT_ADDR";
        /// What is sent as `X-Vault-Token`; without it nothing is, as for an agent that adds its own.
        token: Option<SecretString> = None, env "VAULT_TOKEN";
        /// What is sent as `X-Vault-Namespace`.
        namespace: Option<String> = None, env "VAULT_NAMESPACE";
        /// How long one request may take as a whole, in milliseconds.
        timeout_ms: u64 = 3_000;
    }
}

impl VaultConfig {
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// The address without the `/` at its end, if it may be used.
    pub(super) fn place(&self, mode: Mode) -> Result<String, &'static str> {
        let address = self.address.as_deref().ok_or("(VAULT_ADDR) is not set")?;
        let url: Uri = address.parse().map_err(|_| "must be a URL such as `https://vault:8200`")?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err("must be a URL such as `https://vault:8200`");
        };
        if authority.as_str().contains('@') || url.query().is_some() {
            return Err("must have neither a user nor a query");
        }
        match scheme {
            "https" => {}
            "http" if !mode.is_production() || is_here(authority.host()) => {}
            "http" => return Err("must begin with `https://` in production, unless it is on this machine"),
            _ => return Err("must begin with `https://` or `http://`"),
        }
        Ok(address.trim_end_matches('/').to_owned())
    }
}

/// Whether a host is this machine by its address, whoever answers for names.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Validate for VaultConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if let (Some(_), Err(wrong)) = (&self.address, self.place(mode)) {
            problems.add("address", wrong);
        }
        problems.range("timeout_ms", self.timeout_ms, 10..=30_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str, mode: Mode) -> Result<String, &'static str> {
        VaultConfig { address: Some(address.to_owned()), ..VaultConfig::default() }.place(mode)
    }

    #[test]
    fn production_sends_the_token_over_tls_or_to_this_machine() {
        for good in
            ["https://vault:8200/", "http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost:8200"]
        {
            assert_eq!(place(good, Mode::Production).unwrap(), good.trim_end_matches('/'));
        }
        for bad in [
            "http://vault:8200",
            "http://10.0.0.1:8200",
            "http://localhost.evil:8200",
            "http://127.0.0.1.evil",
        ] {
            assert!(place(bad, Mode::Production).is_err(), "{bad}");
            assert!(place(bad, Mode::Development).is_ok(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["vault:8200", "vault", "ftp://vault", "https://a:b@vault", "https://vault?a=b", "https://"]
        {
            assert!(place(bad, Mode::Development).is_err(), "{bad}");
        }
    }
}
