//! The settings of TLS.

use crate::config::{Mode, Problems, Validate, setting_enum, settings};
use std::path::{Path, PathBuf};

/// A year, which is what browsers' lists ask for.
const YEAR: u64 = 31_536_000;

setting_enum! {
    /// Whether clients show a certificate of their own.
    pub enum ClientAuth {
        /// None is asked for.
        Off = "off",
        /// One is asked for; who shows none is let in without an identity, who shows a wrong one is not.
        Optional = "optional",
        /// Nobody is let in without one.
        Required = "required",
    }
}

settings! {
    /// TLS on the public listener. On as soon as there is a certificate.
    pub struct TlsConfig {
        /// Files with certificate chains in PEM, the server's own certificate first. With several, the one for the name that the
        /// client asks for is shown (SNI), else the first. Read again when they change.
        cert_file: Vec<PathBuf> = Vec::new();
        /// Files with their private keys in PEM, in the same order.
        key_file: Vec<PathBuf> = Vec::new();
        /// Port for HTTPS beside plain HTTP on http.port; 0 takes a free one. Empty: http.port speaks HTTPS, and nothing speaks plain
        /// HTTP.
        port: Option<u16> = None;
        /// Whether plain HTTP only sends clients to HTTPS (308).
        redirect: bool = false;
        /// For how many seconds browsers keep to HTTPS once they have seen it (Strict-Transport-Security); 0 does not say so. Empty: a
        /// year in production, else 0.
        hsts_secs: Option<u64> = None;
        /// File with the authorities in PEM whose certificates clients may show. Read again when it changes.
        client_ca_file: Option<PathBuf> = None;
        /// Whether clients show a certificate.
        client_auth: ClientAuth = ClientAuth::Off;
        /// Domains for which a certificate is ordered by ACME and renewed; with them you agree to the terms of the directory. It asks at
        /// port 80 of each, which has to be this process's http.port: set tls.port too.
        acme_domains: Vec<String> = Vec::new();
        /// URL of the ACME directory.
        acme_directory: String = "https://acme-v02.api.letsencrypt.org/directory".to_owned();
        /// E-mail address that the directory may write to.
        acme_contact: Option<String> = None;
        /// File with authorities in PEM that the directory's own certificate may be of, besides those that everybody believes.
        acme_ca_file: Option<PathBuf> = None;
        /// Seconds to wait after an order that failed; doubled each time, up to six hours.
        acme_retry_secs: u64 = 60;
        /// Days before the end of a certificate from which on the log warns of it.
        warn_days: u64 = 14;
    }
}

impl TlsConfig {
    /// Whether the listener speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.cert_file.is_empty() || !self.acme_domains.is_empty()
    }

    /// For how long browsers are told to keep to HTTPS, in seconds; 0 for not at all.
    #[must_use]
    pub fn hsts(&self, mode: Mode) -> u64 {
        self.hsts_secs.unwrap_or(if mode.is_production() { YEAR } else { 0 })
    }

    /// Certificates with their keys.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.cert_file.iter().map(PathBuf::as_path).zip(self.key_file.iter().map(PathBuf::as_path))
    }
}

impl Validate for TlsConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        let (certificates, keys) = (self.cert_file.len(), self.key_file.len());
        if certificates != keys {
            let message = format!(
                "must name one key for each file of tls.cert_file: there are {certificates}, not {keys}"
            );
            problems.add("key_file", message);
        }
        if !self.is_on() {
            let unused = [
                ("port", self.port.is_some()),
                ("redirect", self.redirect),
                ("client_ca_file", self.client_ca_file.is_some()),
                ("client_auth", self.client_auth != ClientAuth::Off),
            ];
            for (field, _) in unused.into_iter().filter(|(_, set)| *set) {
                problems.add(
                    field,
                    "is set, but there is no TLS: set tls.cert_file and tls.key_file, or tls.acme_domains",
                );
            }
            return;
        }
        if !self.acme_domains.is_empty() {
            self.validate_acme(mode, problems);
        }
        if self.redirect && self.port.is_none() {
            problems.add("redirect", "needs tls.port: without it nothing speaks plain HTTP");
        }
        match (self.client_auth, &self.client_ca_file) {
            (ClientAuth::Off, Some(_)) => {
                problems
                    .add("client_auth", "must be `optional` or `required` for tls.client_ca_file to be used");
            }
            (ClientAuth::Optional | ClientAuth::Required, None) => {
                problems
                    .add("client_ca_file", "must name the authorities that tls.client_auth is to believe");
            }
            _ => {}
        }
        problems.range("warn_days", self.warn_days, 1..=3_650);
    }
}

impl TlsConfig {
    fn validate_acme(&self, mode: Mode, problems: &mut Problems) {
        if self.port.is_none() {
            problems.add(
                "port",
                "must be set for tls.acme_domains: the directory asks http.port over plain HTTP",
            );
        }
        for domain in &self.acme_domains {
            let label = |label: &str| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            if !domain.contains('.') || !domain.split('.').all(label) {
                problems.add(
                    "acme_domains",
                    format!(
                        "`{domain}` is no domain such as shop.example; a wildcard cannot be had by HTTP-01"
                    ),
                );
            }
        }
        let secure = self.acme_directory.starts_with("https://");
        if !secure && (mode.is_production() || !self.acme_directory.starts_with("http://")) {
            problems.add("acme_directory", "must begin with `https://`");
        }
        if self.acme_contact.as_ref().is_some_and(|contact| !contact.contains('@') || contact.contains(':')) {
            problems.add("acme_contact", "must be an e-mail address");
        }
        problems.range("acme_retry_secs", self.acme_retry_secs, 1..=21_600);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut TlsConfig)) -> Vec<String> {
        let pair = |name: &str| vec![PathBuf::from(name)];
        let mut config =
            TlsConfig { cert_file: pair("cert.pem"), key_file: pair("key.pem"), ..TlsConfig::default() };
        change(&mut config);
        let mut problems = Problems::new();
        config.validate(Mode::Production, &mut problems);
        problems.iter().map(|problem| problem.field.clone()).collect()
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        assert_eq!(wrong(|_| {}), [""; 0]);
        assert_eq!(wrong(|tls| tls.key_file.clear()), ["key_file"]);
        assert_eq!(wrong(|tls| tls.redirect = true), ["redirect"]);
        assert_eq!(wrong(|tls| tls.client_auth = ClientAuth::Required), ["client_ca_file"]);
        assert_eq!(wrong(|tls| tls.client_ca_file = Some("ca.pem".into())), ["client_auth"]);
        let acme = |domain: &str| {
            let domain = vec![domain.to_owned()];
            wrong(|tls| *tls = TlsConfig { acme_domains: domain, port: Some(443), ..TlsConfig::default() })
        };
        assert_eq!(acme("shop.example"), [""; 0]);
        assert_eq!(acme("*.shop.example"), ["acme_domains"]);
        assert_eq!(acme("shop"), ["acme_domains"]);
        assert_eq!(wrong(|tls| tls.acme_domains = vec!["shop.example".to_owned()]), ["port"]);
        let without = |tls: &mut TlsConfig| *tls = TlsConfig { port: Some(8443), ..TlsConfig::default() };
        assert_eq!(wrong(without), ["port"]);
    }

    #[test]
    fn browsers_are_told_to_keep_to_https_in_production_unless_somebody_says_otherwise() {
        let hsts = |hsts_secs, mode| TlsConfig { hsts_secs, ..TlsConfig::default() }.hsts(mode);
        assert_eq!(hsts(None, Mode::Production), YEAR);
        assert_eq!(hsts(None, Mode::Development), 0);
        assert_eq!(hsts(Some(0), Mode::Production), 0);
        assert_eq!(hsts(Some(60), Mode::Development), 60);
    }
}
