//! TLS to instances: whom to believe, and who we are.
//!
//! What must hold: files are checked before they are used. One that is wrong when an upstream is opened or changed is an error
//! that names the setting; later it changes nothing, is told once, and the files of before go on.
//!
//! What it does not do: it asks nobody whether a certificate was revoked.

use anyhow::{Context, bail, ensure};
use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// TLS to the instances of an upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// Certificates (PEM) of those who are believed; without it, the authorities that browsers believe.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate (PEM), for instances that ask for one.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate (PEM).
    pub key_file: Option<PathBuf>,
    /// The name that the certificate of an instance holds for; without it, the host in its URL.
    pub server_name: Option<String>,
}

impl TlsSpec {
    pub(super) fn check(&self, wrong: &mut super::spec::Wrong) {
        let mut say = |field: &str, what: String| wrong.push((field.to_owned(), what));
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => say("tls.key_file", "name the key of tls.cert_file".to_owned()),
            (None, Some(_)) => say("tls.cert_file", "name the certificate of tls.key_file".to_owned()),
            _ => {}
        }
        if let Some(name) = &self.server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            say("tls.server_name", format!("`{name}` is neither a host name nor an address"));
        }
    }
}

/// What stands in the files, as it was read in one go.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    authorities: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

/// What rustls asks with.
pub(super) struct Tls {
    files: Files,
    server_name: Option<ServerName<'static>>,
    /// For connections that may speak HTTP/2.
    both: Arc<ClientConfig>,
    /// For those that speak nothing but HTTP/1.1.
    http1: Arc<ClientConfig>,
}

impl Files {
    pub(super) fn read(spec: &TlsSpec) -> anyhow::Result<Self> {
        let read = |setting: &str, path: &Option<PathBuf>| {
            let read = |path: &Path| {
                std::fs::read(path).with_context(|| format!("tls.{setting}: cannot read {}", path.display()))
            };
            path.as_deref().map(read).transpose()
        };
        Ok(Self {
            authorities: read("ca_file", &spec.ca_file)?,
            certificate: read("cert_file", &spec.cert_file)?,
            key: read("key_file", &spec.key_file)?,
        })
    }
}

impl Tls {
    pub(super) fn new(spec: &TlsSpec, files: Files) -> anyhow::Result<Self> {
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match &files.authorities {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => builder.with_webpki_roots(),
        };
        let mut both = match (&files.certificate, &files.key) {
            (Some(certificate), Some(key)) => {
                let key = PrivateKeyDer::from_pem_slice(key)
                    .context("tls.key_file: there is no private key in PEM")?;
                let chain = certificates("cert_file", certificate)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .context("tls.key_file is not the key of tls.cert_file")?
            }
            _ => builder.with_no_client_auth(),
        };
        both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut http1 = both.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let server_name = spec.server_name.clone().map(ServerName::try_from).transpose();
        let server_name = server_name.context("tls.server_name is no name")?;
        Ok(Self { files, server_name, both: Arc::new(both), http1: Arc::new(http1) })
    }

    /// Whether these files say what it was made of.
    pub(super) fn is_made_of(&self, files: &Files) -> bool {
        self.files == *files
    }

    pub(super) fn config(&self, http2: bool) -> Arc<ClientConfig> {
        if http2 { self.both.clone() } else { self.http1.clone() }
    }

    /// The name that the certificate of an instance on this host has to hold for.
    pub(super) fn name_of(&self, host: &str) -> anyhow::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => Ok(ServerName::try_from(host.to_owned())?),
        }
    }
}

fn certificates(setting: &str, pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.with_context(|| format!("tls.{setting} is no PEM file"))?;
    if all.is_empty() {
        bail!("tls.{setting}: there is no certificate in it");
    }
    Ok(all)
}

fn roots(pem: &[u8]) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in certificates("ca_file", pem)? {
        roots.add(authority).context("tls.ca_file: a certificate in it is no authority's")?;
    }
    ensure!(!roots.is_empty(), "tls.ca_file: there is no certificate in it");
    Ok(roots)
}
