//! Who a client is by its certificate.

use super::x509::{Facts, hex};
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;

/// The certificate that a client has shown, verified against `tls.client_ca_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCert {
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// The common name of the subject.
    pub common_name: Option<String>,
    /// Host names, in lower case.
    pub dns: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// URIs, such as those of SPIFFE.
    pub uris: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

impl ClientCert {
    /// Reads one that rustls has verified; `None` when it cannot be read, which then is nobody's.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let facts = Facts::read(certificate)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        Some(Self {
            fingerprint: hex(digest.as_ref()),
            serial: facts.serial,
            common_name: facts.common_name,
            dns: facts.dns,
            emails: facts.emails,
            uris: facts.uris,
            addresses: facts.addresses,
        })
    }
}
