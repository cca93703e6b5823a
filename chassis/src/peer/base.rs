//! Where one instance of a peer is.

use super::UpstreamError;
use ::http::Uri;
use ::http::uri::{Authority, PathAndQuery, Scheme};
use anyhow::{Context, bail};
use std::fmt;
use std::net::SocketAddr;

/// Scheme, host and optional path prefix of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl Base {
    /// Reads `http://host:port/prefix` or the same with https.
    ///
    /// # Errors
    /// What is wrong with it; a user and a password are not repeated.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.trim().parse().with_context(|| format!("`{url}` is not a URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            bail!("`{url}` must be like http://host:port")
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            bail!("`{url}` must begin with http:// or https://");
        }
        if authority.as_str().contains('@') {
            bail!("a URL of a peer has no user and no password: services show their own credentials");
        }
        let path = parts.path_and_query.map(|path| path.path().to_owned()).unwrap_or_default();
        Ok(Self { scheme, authority, prefix: path.trim_end_matches('/').to_owned() })
    }

    /// The same service at an address that was found.
    ///
    /// # Errors
    /// Never for an address of IP.
    pub fn at(&self, address: SocketAddr) -> anyhow::Result<Self> {
        let authority = Authority::try_from(address.to_string())?;
        Ok(Self { scheme: self.scheme.clone(), authority, prefix: self.prefix.clone() })
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host as a resolver takes it, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, when it names one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.authority.port_u16()
    }

    /// Host and port as they stand in the URL.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// What stands before every path, without a slash at its end; often nothing.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The path and query of `target` under this base.
    pub(super) fn join(&self, target: &Uri) -> Result<Uri, UpstreamError> {
        let path = target.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let path = if self.prefix.is_empty() {
            path
        } else {
            let joined = format!("{}{}", self.prefix, path.as_str());
            PathAndQuery::try_from(joined).map_err(|error| UpstreamError::Broken(error.to_string()))?
        };
        let mut parts = ::http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|error| UpstreamError::Broken(error.to_string()))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_the_path() {
        let base = Base::parse("http://auth.internal:8080/base/").unwrap();
        let joined = base.join(&Uri::from_static("/api/v1/auth/login?x=1")).unwrap();
        assert_eq!(joined, "http://auth.internal:8080/base/api/v1/auth/login?x=1");
    }

    #[test]
    fn an_address_takes_the_place_of_the_host() {
        let base = Base::parse("http://auth.internal:8080/base").unwrap();
        let found = base.at("[::1]:9000".parse().unwrap()).unwrap();
        assert_eq!((found.to_string().as_str(), found.host()), ("http://[::1]:9000/base", "::1"));
    }

    #[test]
    fn what_is_not_a_url_is_refused() {
        assert!(Base::parse("auth:8080").is_err());
        assert!(Base::parse("ftp://auth").is_err());
        let error = Base::parse("http://user:secret@auth").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
