//! The URL of a peer.

use super::UpstreamError;
use ::http::Uri;
use ::http::uri::{Authority, PathAndQuery, Scheme};
use anyhow::{Context, bail};

/// Scheme, host and optional path prefix of a peer.
#[derive(Debug, Clone)]
pub(super) struct Base {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl Base {
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.trim().parse().with_context(|| format!("`{url}` is not a URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            bail!("`{url}` must be like http://host:port")
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            bail!("`{url}` must begin with http:// or https://");
        }
        let path = parts.path_and_query.map(|path| path.path().to_owned()).unwrap_or_default();
        Ok(Self { scheme, authority, prefix: path.trim_end_matches('/').to_owned() })
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
    fn what_is_not_a_url_is_refused() {
        assert!(Base::parse("auth:8080").is_err());
        assert!(Base::parse("ftp://auth").is_err());
    }
}
