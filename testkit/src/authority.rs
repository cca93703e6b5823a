//! A certificate authority for tests: certificates for servers and clients, and TLS connections that believe it.

use crate::raw_peer::Wire;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority that signs what a test asks for.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate and the authority's, as a server shows them.
    pub chain: String,
    /// The private key.
    pub key: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names, which holds from an hour ago for 90 days.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_as(names.first().copied().unwrap_or("nobody"), names, -3_600, 90 * 86_400)
    }

    /// A certificate with this common name and these other names (host, address, URI, e-mail), which holds between so many
    /// seconds from now.
    ///
    /// # Panics
    /// When a name cannot stand in a certificate.
    #[must_use]
    pub fn issue_as(&self, common_name: &str, names: &[&str], from: i64, until: i64) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let params = params(common_name, names, from, until);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair { chain: certificate.pem() + &self.pem, key: key.serialize_pem() }
    }

    /// A certificate for a signing request in DER, as an ACME server makes it; the chain in PEM.
    ///
    /// # Panics
    /// When the names cannot stand in a certificate.
    #[must_use]
    pub fn sign(&self, names: &[&str], key: &impl rcgen::PublicKeyData, until: i64) -> String {
        let params = params(names.first().copied().unwrap_or("nobody"), names, -3_600, until);
        params.signed_by(key, &self.issuer).expect("a certificate").pem() + &self.pem
    }

    /// How a client that believes this authority speaks TLS; `shown` is its own certificate.
    ///
    /// # Panics
    /// When the certificates cannot be used.
    #[must_use]
    pub fn client(&self, shown: Option<&Pair>, alpn: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM")).expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder =
            builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
                builder
                    .with_client_auth_cert(vec![pair.certificate()], key)
                    .expect("a certificate with its key")
            }
        };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }

    /// Connects and shakes hands, asking for a name.
    ///
    /// # Errors
    /// When the server does not shake hands.
    ///
    /// # Panics
    /// When `name` is none.
    pub async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        shown: Option<&Pair>,
    ) -> io::Result<Wire<TlsStream<TcpStream>>> {
        connect(Arc::new(self.client(shown, &["http/1.1"])), address, name).await.map(Wire::new)
    }
}

/// Connects and shakes hands with this configuration, asking for a name.
///
/// # Errors
/// When the server does not shake hands.
///
/// # Panics
/// When `name` is none.
pub async fn connect(
    config: Arc<ClientConfig>,
    address: SocketAddr,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(config).connect(name, TcpStream::connect(address).await?).await
}

impl Pair {
    /// The certificate itself.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).expect("a certificate")
    }

    /// Writes `<name>.pem` and `<name>.key` into a folder and says where they are.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> (String, String) {
        let (chain, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&chain, &self.chain).expect("a file");
        std::fs::write(&key, &self.key).expect("a file");
        (chain.display().to_string(), key.display().to_string())
    }
}

fn params(common_name: &str, names: &[&str], from: i64, until: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = names.iter().map(|name| alternative(name)).collect();
    #[expect(clippy::disallowed_methods, reason = "the peer's rustls compares with the machine's clock too")]
    let now = SystemTime::now();
    let at = |secs: i64| {
        let span = Duration::from_secs(secs.unsigned_abs());
        if secs < 0 { now - span } else { now + span }.into()
    };
    params.not_before = at(from);
    params.not_after = at(until);
    params
}

fn alternative(name: &str) -> SanType {
    let text = || name.to_owned().try_into().expect("ASCII");
    match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) if name.contains("://") => SanType::URI(text()),
        Err(_) if name.contains('@') => SanType::Rfc822Name(text()),
        Err(_) => SanType::DnsName(text()),
    }
}
