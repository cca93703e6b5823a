//! From files to what rustls serves with.
//!
//! Everything is checked before it is used: that the files are there, that there is a certificate and its own key in them,
//! and that the certificate holds for a name. Every error names the setting.

use super::config::{ClientAuth, TlsConfig};
use super::x509::Facts;
use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::digest;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate's file and its key's.
#[derive(Debug, Clone)]
pub(super) struct Source {
    certificate: PathBuf,
    key: PathBuf,
    /// Whether it comes by itself: then one that cannot be used at the start is as good as none, and it has one file.
    acme: bool,
}

/// What stands in the files, as it was read in one go.
pub(super) struct Files {
    pairs: Vec<(Source, Vec<u8>, Vec<u8>)>,
    authorities: Option<Vec<u8>>,
}

impl Source {
    /// One file with both, which comes by itself.
    pub(super) fn acme(path: PathBuf) -> Self {
        Self { certificate: path.clone(), key: path, acme: true }
    }
}

/// By which two readings are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    all: Vec<u8>,
    /// Of the authorities alone.
    pub(super) authorities: Vec<u8>,
}

/// Certificates by the name that a client asks for.
#[derive(Debug)]
pub(super) struct Certificates {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
    pub(super) facts: Vec<Facts>,
}

impl Files {
    /// Reads all of them; `acme` is that which comes by itself.
    pub(super) fn read(config: &TlsConfig, acme: Option<Source>) -> anyhow::Result<Self> {
        let read = |setting: &str, path: &Path| {
            std::fs::read(path).with_context(|| format!("{setting}: cannot read {}", path.display()))
        };
        let named = config.pairs().map(|(certificate, key)| Source {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            acme: false,
        });
        let pairs = named.chain(acme).map(|source| {
            let certificate = read("tls.cert_file", &source.certificate)?;
            // Read twice, it could be two files: it may be put in place in between.
            let key = if source.acme { certificate.clone() } else { read("tls.key_file", &source.key)? };
            anyhow::Ok((source, certificate, key))
        });
        let authorities = config.client_ca_file.as_deref().map(|path| read("tls.client_ca_file", path));
        Ok(Self { pairs: pairs.collect::<anyhow::Result<_>>()?, authorities: authorities.transpose()? })
    }

    pub(super) fn mark(&self) -> Mark {
        let digest = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes).as_ref().to_vec();
        let authorities = digest(self.authorities.as_deref().unwrap_or_default());
        let pairs = self.pairs.iter().flat_map(|(_, certificate, key)| [digest(certificate), digest(key)]);
        Mark { all: pairs.chain([authorities.clone()]).flatten().collect(), authorities }
    }

    /// The certificates with their keys; no fewer than `before`, where they are read again.
    pub(super) fn certificates(
        &self,
        provider: &CryptoProvider,
        before: Option<&Certificates>,
    ) -> anyhow::Result<Certificates> {
        let mut all = Certificates { by_name: HashMap::new(), first: None, facts: Vec::new() };
        for (source, certificate, key) in &self.pairs {
            match pair(certificate, key, provider) {
                Ok((pair, facts)) => all.add(Arc::new(pair), facts),
                Err(error) if source.acme && before.is_none() => {
                    tracing::warn!(%error, "the certificate that was issued cannot be used");
                }
                Err(error) => {
                    let (certificate, key) = (source.certificate.display(), source.key.display());
                    return Err(error.context(format!("{certificate} with {key}")));
                }
            }
        }
        let known = before.map_or(0, |before| before.facts.len());
        ensure!(all.facts.len() >= known, "the certificate that was issued is gone");
        Ok(all)
    }

    /// What decides whether a client's certificate is believed; nothing where none is asked for.
    pub(super) fn verifier(
        &self,
        config: &TlsConfig,
        provider: &Arc<CryptoProvider>,
    ) -> anyhow::Result<Option<Arc<dyn ClientCertVerifier>>> {
        let (Some(pem), Some(path)) = (&self.authorities, &config.client_ca_file) else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(pem) {
            let authority = authority
                .with_context(|| format!("tls.client_ca_file: {} is no PEM file", path.display()))?;
            roots.add(authority).with_context(|| {
                format!("tls.client_ca_file: a certificate in {} is no authority's", path.display())
            })?;
        }
        ensure!(!roots.is_empty(), "tls.client_ca_file: there is no certificate in {}", path.display());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let builder = match config.client_auth {
            ClientAuth::Off => return Ok(None),
            ClientAuth::Optional => builder.allow_unauthenticated(),
            ClientAuth::Required => builder,
        };
        Ok(Some(builder.build().context("tls.client_ca_file cannot be used")?))
    }
}

/// A certificate with its key, from PEM.
pub(super) fn pair(
    certificate: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> anyhow::Result<(CertifiedKey, Facts)> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.context("tls.cert_file is no PEM file")?;
    let Some(own) = chain.first() else { bail!("tls.cert_file: there is no certificate in it") };
    let facts = Facts::read(own).context("tls.cert_file: the certificate cannot be read")?;
    ensure!(
        !facts.dns.is_empty() || !facts.addresses.is_empty(),
        "tls.cert_file: the first certificate holds for no host (subjectAltName); the server's own has to come before \
         those of authorities"
    );
    let key =
        PrivateKeyDer::from_pem_slice(key).context("tls.key_file: there is no private key in PEM in it")?;
    let pair = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            anyhow::anyhow!("tls.key_file: it is not the key of the certificate in tls.cert_file")
        }
        error => anyhow::anyhow!("tls.key_file cannot be used: {error}"),
    })?;
    Ok((pair, facts))
}

impl Certificates {
    fn add(&mut self, pair: Arc<CertifiedKey>, facts: Facts) {
        for name in &facts.dns {
            // Of two that hold for the same name, the first in the settings is shown.
            self.by_name.entry(name.clone()).or_insert_with(|| pair.clone());
        }
        self.first.get_or_insert(pair);
        self.facts.push(facts);
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let named = name.and_then(|name| {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let wide = || name.split_once('.').and_then(|(_, rest)| self.by_name.get(&format!("*.{rest}")));
            self.by_name.get(&name).or_else(wide)
        });
        named.or(self.first.as_ref()).cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}

/// What rustls serves with: TLS 1.2 and 1.3 with the suites that it takes for safe, HTTP/2 before HTTP/1.1.
pub(super) fn server(
    certificates: Arc<dyn ResolvesServerCert>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
    ticketer: Arc<dyn ProducesTickets>,
) -> anyhow::Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut server = builder.with_cert_resolver(certificates);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    server.ticketer = ticketer;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::{Authority, Folder};

    fn folder() -> Folder {
        Folder::new("tls").unwrap()
    }

    fn certificates(config: &TlsConfig) -> anyhow::Result<Certificates> {
        Files::read(config, None)?.certificates(&rustls::crypto::aws_lc_rs::default_provider(), None)
    }

    #[test]
    fn the_certificate_for_the_name_is_shown_else_the_first() {
        let (authority, folder) = (Authority::new("a"), folder());
        let mut config = TlsConfig::default();
        let mut pairs = Vec::new();
        for (file, names) in [
            ("shop", &["shop.example"][..]),
            ("wide", &["*.api.example"]),
            ("one", &["one.api.example", "shop.example"]),
        ] {
            let pair = authority.issue(names);
            let (certificate, key) = pair.write(folder.path(), file);
            config.cert_file.push(certificate.into());
            config.key_file.push(key.into());
            pairs.push(pair.certificate());
        }
        let all = certificates(&config).unwrap();
        let shown = |name| {
            let found = all.find(name).unwrap();
            pairs.iter().position(|pair| *pair == found.cert[0]).unwrap()
        };
        assert_eq!(shown(Some("shop.example")), 0, "the first of two with the same name");
        assert_eq!(shown(Some("SHOP.example.")), 0);
        assert_eq!(shown(Some("two.api.example")), 1);
        assert_eq!(shown(Some("one.api.example")), 2, "the exact name before the wide one");
        assert_eq!(shown(Some("a.b.api.example")), 0, "a star is one label");
        assert_eq!(shown(Some("api.example")), 0);
        assert_eq!(shown(None), 0);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_setting() {
        let (authority, folder) = (Authority::new("a"), folder());
        let (good, other) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let chain = write("chain", &good.chain);
        let key = write("key", &good.key);
        for (certificate, key, says) in [
            (folder.path().join("away"), key.clone(), "tls.cert_file: cannot read"),
            (chain.clone(), folder.path().join("away"), "tls.key_file: cannot read"),
            (write("empty", "nothing"), key.clone(), "tls.cert_file: there is no certificate"),
            (write("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n"), key.clone(), "tls.cert_file"),
            (write("ca", authority.pem()), key.clone(), "holds for no host"),
            (chain.clone(), chain.clone(), "tls.key_file: there is no private key"),
            (chain.clone(), write("other", &other.key), "is not the key of the certificate"),
        ] {
            let config =
                TlsConfig { cert_file: vec![certificate], key_file: vec![key], ..TlsConfig::default() };
            let error = format!("{:#}", certificates(&config).unwrap_err());
            assert!(error.contains(says), "{error} does not say `{says}`");
        }
        let config = TlsConfig { cert_file: vec![chain], key_file: vec![key], ..TlsConfig::default() };
        certificates(&config).unwrap();
    }

    #[test]
    fn a_file_without_authorities_is_no_file_of_authorities() {
        let (authority, folder) = (Authority::new("a"), folder());
        let path = folder.path().join("ca.pem");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let client_ca_file = Some(path.clone());
            let config =
                TlsConfig { client_ca_file, client_auth: ClientAuth::Required, ..TlsConfig::default() };
            Files::read(&config, None).unwrap().verifier(&config, &provider)
        };
        assert!(verifier(authority.pem()).unwrap().is_some());
        assert!(format!("{:#}", verifier("").unwrap_err()).contains("tls.client_ca_file"));
    }
}
