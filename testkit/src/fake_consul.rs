//! The one route of Consul's API that discovery asks: the healthy instances of a service, with blocking queries.

use crate::raw_peer::{RawPeer, Wire};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// An agent that knows what the test tells it.
#[derive(Debug)]
pub struct FakeConsul {
    peer: RawPeer,
    catalogue: watch::Sender<(u64, Vec<SocketAddr>)>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl FakeConsul {
    /// Starts it with these healthy instances.
    pub async fn start(instances: Vec<SocketAddr>) -> Self {
        let (catalogue, told) = watch::channel((7, instances));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let peer = RawPeer::start(move |wire| answer(wire, told.clone(), hears.clone())).await;
        Self { peer, catalogue, heard }
    }

    /// Changes which instances are healthy; whoever waits for news hears of it.
    pub fn tell(&self, instances: Vec<SocketAddr>) {
        self.catalogue.send_modify(|(index, known)| {
            *index += 1;
            *known = instances;
        });
    }

    /// What `peers.<name>` is set to.
    #[must_use]
    pub fn url(&self, service: &str) -> String {
        format!("consul+{}/{service}", self.peer.url())
    }

    /// The heads of all requests.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(
    mut wire: Wire,
    mut told: watch::Receiver<(u64, Vec<SocketAddr>)>,
    heard: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    loop {
        let head = wire.request().await?;
        let parameter = |name: &str| {
            let line = head.lines().next()?.split_whitespace().nth(1)?;
            let query = line.split_once('?')?.1;
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            value.trim_end_matches('s').parse::<u64>().ok()
        };
        let (index, wait) = (parameter("index").unwrap_or(0), parameter("wait").unwrap_or(300));
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        let news = told.wait_for(|(now, _)| *now != index);
        // Without news the answer is the one of before.
        drop(tokio::time::timeout(Duration::from_secs(wait), news).await);
        let (index, instances) = told.borrow_and_update().clone();
        let entries: Vec<String> = instances
            .iter()
            .map(|address| {
                let (ip, port) = (address.ip(), address.port());
                format!(
                    r#"{{"Node":{{"Address":"{ip}"}},"Service":{{"ID":"x","Address":"","Port":{port}}}}}"#
                )
            })
            .collect();
        let body = format!("[{}]", entries.join(","));
        let head =
            format!("HTTP/1.1 200 OK\r\nx-consul-index: {index}\r\ncontent-length: {}\r\n\r\n", body.len());
        wire.write(head + &body).await?;
    }
}
