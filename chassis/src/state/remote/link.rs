//! The way to a Redis server or cluster: what a URL names, commands, and channels that are followed.
//!
//! What must hold:
//! - A command is sent once. When its answer is lost nobody knows whether it took effect, and the caller is told so; a
//!   script that ran twice would count twice, or find its own lease taken. So the client's own retries are off, and what
//!   is tried again is only what a server says it did not do: a slot that moved, a cluster that elects a master.
//! - Every command ends within the configured time, whatever the network does.

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt;
use metrics::gauge;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSubStream};
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, Msg, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use socket2::TcpKeepalive;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// A connection on which nothing is heard is asked for a sign of life after this time, three times.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// Between two attempts of a command that a cluster could not place.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// What a URL names.
#[derive(Clone)]
pub(crate) struct Link {
    /// One server, or some nodes of the cluster.
    nodes: Vec<Client>,
    cluster: Option<ClusterClient>,
    timeout: Duration,
}

/// An open way to Redis that repairs itself. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Connection {
    Node(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Link {
    /// Reads a URL; nothing is connected yet.
    pub(crate) fn parse(url: &str, timeout: Duration) -> RedisResult<Self> {
        let schemes = [("redis+cluster://", "redis://"), ("rediss+cluster://", "rediss://")];
        let nodes =
            schemes.iter().find_map(|(cluster, node)| Some(node_urls(node, url.strip_prefix(cluster)?)));
        let is_cluster = nodes.is_some();
        let nodes = nodes.unwrap_or_else(|| vec![url.to_owned()]);
        let infos = nodes.iter().map(|url| info(url)).collect::<RedisResult<Vec<_>>>()?;
        let cluster = if is_cluster { Some(cluster(infos.clone(), timeout)?) } else { None };
        let nodes = infos.into_iter().map(Client::open).collect::<RedisResult<_>>()?;
        Ok(Self { nodes, cluster, timeout })
    }

    /// Whether it is a cluster.
    pub(crate) const fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// Where it is, without credentials.
    pub(crate) fn place(&self) -> String {
        let addresses: Vec<_> =
            self.nodes.iter().map(|node| node.get_connection_info().addr().to_string()).collect();
        addresses.join(",")
    }

    /// A connection that is made at the first command.
    pub(crate) fn connect(&self) -> RedisResult<Connection> {
        match (&self.cluster, self.nodes.first()) {
            (Some(cluster), _) => {
                let pending = cluster.get_pending_async_connection_with_config(ClusterConfig::new());
                Ok(Connection::Cluster(pending))
            }
            (None, Some(node)) => {
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(0)
                    .set_connection_timeout(Some(self.timeout))
                    .set_response_timeout(Some(self.timeout));
                Ok(Connection::Node(ConnectionManager::new_lazy_with_config(node.clone(), config)?))
            }
            (None, None) => Err((ErrorKind::InvalidClientConfig, "no server is named").into()),
        }
    }

    /// Sends a command and waits for its answer, for as long as the configuration allows.
    pub(crate) async fn command(&self, connection: &Connection, command: &Cmd) -> RedisResult<Value> {
        self.bounded(connection.place(command)).await
    }

    /// Sends a command over a connection that may have broken while nobody asked: who asks first finds that out, and only
    /// who asks next finds it repaired.
    pub(crate) async fn probe(&self, connection: &Connection, command: &Cmd) -> RedisResult<Value> {
        let asked = async {
            let first: RedisResult<Value> = connection.send(&cmd("PING")).await;
            drop(first);
            connection.place(command).await
        };
        self.bounded(asked).await
    }

    async fn bounded<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        timeout(self.timeout, work).await.map_err(late)?
    }

    /// Listens to channels through one node that answers. A message that is published on any node of a cluster reaches
    /// all of them.
    async fn subscribe(&self, pattern: &str) -> RedisResult<PubSubStream> {
        let nodes = self.nodes.len();
        // Begins anywhere, so that replicas do not all listen to the same node.
        let first = Uuid::new_v4().as_fields().0 as usize % nodes.max(1);
        let mut failed = RedisError::from((ErrorKind::InvalidClientConfig, "no server is named"));
        for node in self.nodes.iter().cycle().skip(first).take(nodes) {
            let subscribed = self.bounded(async {
                let (mut sink, stream) = node.get_async_pubsub().await?.split();
                sink.psubscribe(pattern).await?;
                Ok(stream)
            });
            match subscribed.await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Follows the channels that match, for ever: says when it hears them (again), and hands on each message. `gauge` is
    /// the gauge that says whether it does.
    pub(crate) async fn follow(&self, pattern: &str, up: &'static str, mut heard: impl FnMut(Heard)) {
        let up = gauge!(up);
        let pauses = || {
            let growing = ExponentialBuilder::default().with_jitter().without_max_times();
            growing.with_min_delay(Duration::from_millis(50)).with_max_delay(Duration::from_secs(2)).build()
        };
        let mut pause = pauses();
        loop {
            match self.subscribe(pattern).await {
                Ok(mut messages) => {
                    pause = pauses();
                    up.set(1.0);
                    heard(Heard::Again);
                    while let Some(message) = messages.next().await {
                        heard(Heard::Message(&message));
                    }
                    tracing::warn!(pattern, "the connection to Redis ended; it is made again");
                }
                Err(error) => tracing::debug!(pattern, %error, "Redis does not answer"),
            }
            up.set(0.0);
            heard(Heard::Lost);
            sleep(pause.next().unwrap_or(Duration::from_secs(2))).await;
        }
    }
}

/// What is heard from channels that are followed.
pub(crate) enum Heard<'a> {
    /// The channels are heard from now on; what was said before may have been missed.
    Again,
    /// A message.
    Message(&'a Msg),
    /// They are not heard until it is said again.
    Lost,
}

impl Connection {
    /// Sends a command, again only when a server says that it did nothing.
    async fn place(&self, command: &Cmd) -> RedisResult<Value> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.send(command).await {
                Err(error) if was_not_done(&error) => error,
                done => return done,
            };
            if let (Self::Cluster(cluster), ErrorKind::Server(ServerErrorKind::Ask)) = (self, error.kind())
                && let Some(node) = error.redirect_node().and_then(|(node, _)| node.rsplit_once(':'))
            {
                match ask(cluster, node, command).await {
                    Err(error) if was_not_done(&error) => {}
                    done => return done,
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(node) => command.query_async(&mut node.clone()).await,
            Self::Cluster(cluster) => command.query_async(&mut cluster.clone()).await,
        }
    }
}

/// Sends a command whose slot is being moved to the node that takes it over.
async fn ask(cluster: &ClusterConnection, (host, port): (&str, &str), command: &Cmd) -> RedisResult<Value> {
    let port = port.parse().map_err(|_| (ErrorKind::Parse, "a redirection names no port"))?;
    let node = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port };
    let mut both = redis::pipe();
    both.cmd("ASKING").add_command(command.clone());
    let answers = cluster.clone().route_pipeline(both, 0, 2, node).await?;
    answers.into_iter().next_back().unwrap_or(Value::Nil).extract_error()
}

/// Whether a server says that it did not do what it was told, and may do it a little later or elsewhere.
fn was_not_done(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly
        ),
        _ => false,
    }
}

/// Whether waiting may cure an error.
pub(super) fn is_away(error: &RedisError) -> bool {
    was_not_done(error) || matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
}

/// `host1:port,host2:port/rest` with credentials before the hosts, as URLs of the nodes.
fn node_urls(scheme: &str, rest: &str) -> Vec<String> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (credentials, hosts) = authority.rfind('@').map_or(("", authority), |at| authority.split_at(at + 1));
    hosts.split(',').map(|host| format!("{scheme}{credentials}{host}{tail}")).collect()
}

fn info(url: &str) -> RedisResult<ConnectionInfo> {
    let alive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(3);
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(alive).set_user_timeout(3 * KEEPALIVE);
    Ok(url.into_connection_info()?.set_tcp_settings(tcp))
}

fn cluster(nodes: Vec<ConnectionInfo>, timeout: Duration) -> RedisResult<ClusterClient> {
    if nodes.iter().any(|node| node.redis_settings().db() != 0) {
        return Err((ErrorKind::InvalidClientConfig, "a cluster has no database but 0").into());
    }
    let tcp = nodes.first().map(|node| node.tcp_settings().clone()).unwrap_or_default();
    ClusterClient::builder(nodes)
        .retries(0)
        .tcp_settings(tcp)
        // The library holds up every slot while it connects to one node.
        .connection_timeout(timeout / 2)
        .response_timeout(timeout)
        .overall_response_timeout(None)
        .build()
}
