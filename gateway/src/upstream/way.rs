//! How instances are spoken to: over TLS or not, HTTP/1.1 or HTTP/2. It has a number, by which connections are told apart
//! that were opened with other settings or other certificates.

use super::inner::Inner;
use super::spec::UpstreamSpec;
use super::tls::{Files, Tls, TlsSpec};
use anyhow::Context;
use std::sync::Arc;

/// How new connections are opened.
pub(super) struct Way {
    pub(super) generation: u64,
    pub(super) http2: bool,
    /// Nothing where no instance is spoken to over TLS.
    pub(super) tls: Option<Tls>,
}

impl Way {
    /// That of an upstream that is opened.
    pub(super) fn first(spec: &UpstreamSpec) -> anyhow::Result<Self> {
        Ok(Self { generation: 0, http2: spec.http2, tls: tls(spec)? })
    }

    /// That of changed settings, without its number; nothing when it is the same.
    pub(super) fn of_change(before: &UpstreamSpec, spec: &UpstreamSpec) -> anyhow::Result<Option<Self>> {
        let same =
            before.http2 == spec.http2 && before.tls == spec.tls && before.uses_tls() == spec.uses_tls();
        if same {
            return Ok(None);
        }
        Self::first(spec).map(Some)
    }
}

fn tls(spec: &UpstreamSpec) -> anyhow::Result<Option<Tls>> {
    if !spec.uses_tls() {
        return Ok(None);
    }
    let settings = spec.tls.clone().unwrap_or_default();
    let files = Files::read(&settings)?;
    Tls::new(&settings, files).map(Some)
}

impl Inner {
    /// Reads the files of certificates; whether they have changed.
    pub(super) async fn read_again(&self) -> anyhow::Result<bool> {
        let before = self.way.load_full();
        let (Some(tls), Some(settings)) = (&before.tls, self.settings.load().tls.clone()) else {
            return Ok(false);
        };
        let files = read(settings.clone()).await?;
        if tls.is_made_of(&files) {
            return Ok(false);
        }
        let next = Tls::new(&settings, files)?;
        let _alone = self.lock();
        // Settings that have changed meanwhile have read the files themselves.
        if self.way.load().generation == before.generation {
            let generation = before.generation + 1;
            self.way.store(Arc::new(Way { generation, http2: before.http2, tls: Some(next) }));
        }
        Ok(true)
    }
}

async fn read(settings: TlsSpec) -> anyhow::Result<Files> {
    tokio::task::spawn_blocking(move || Files::read(&settings)).await.context("reading was given up")?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use testkit::{Authority, Folder};

    #[tokio::test]
    async fn files_that_are_wrong_change_nothing_and_those_that_come_after_them_are_read() {
        let folder = Folder::new("way").unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, Authority::new("old").pem()).unwrap();
        let spec = json!({ "instances": ["https://localhost:1"], "tls": { "ca_file": file } });
        let inner = Inner::new("things", serde_json::from_value(spec).unwrap()).unwrap();
        let generation = || inner.way.load().generation;
        assert_eq!((inner.read_again().await.unwrap(), generation()), (false, 0), "they are as they were");
        std::fs::write(&file, "nonsense").unwrap();
        assert!(inner.read_again().await.is_err());
        assert_eq!(generation(), 0, "connections are not opened anew");
        assert!(inner.way.load().tls.is_some(), "those of before go on");
        std::fs::write(&file, Authority::new("new").pem()).unwrap();
        assert_eq!((inner.read_again().await.unwrap(), generation()), (true, 1));
    }
}
