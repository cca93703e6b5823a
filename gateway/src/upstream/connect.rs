//! Opens connections to instances.

use super::instance::{Instance, port};
use super::line::{Line, Open, chain};
use super::session::Session;
use super::tls::Tls;
use super::way::Way;
use chassis::peer::UpstreamError;
use chassis::resilience::Full;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A new connection, by what is spoken over it.
pub(super) enum Opened {
    /// HTTP/1.1.
    One(Line),
    /// HTTP/2.
    Two(Session),
}

/// Opens a connection until the deadline at most, unless there are as many as may be (0: as many as there are).
pub(super) async fn open(
    instance: &Instance,
    way: &Way,
    http2: bool,
    deadline: Instant,
    most: u32,
) -> Result<Opened, UpstreamError> {
    let open = Open::one_more(&instance.open, most).ok_or(UpstreamError::Full(Full::Queue))?;
    let opened = async {
        let stream = tcp(instance).await.map_err(|error| unreachable(chain(&error)))?;
        match &way.tls {
            Some(tls) if instance.base.is_tls() => {
                let stream = secured(instance, tls, http2, stream).await?;
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                speak(stream, http2, open, way.generation).await
            }
            _ if instance.base.is_tls() => Err(unreachable("TLS is not set up".to_owned())),
            _ => speak(stream, http2, open, way.generation).await,
        }
    };
    timeout_at(deadline, opened)
        .await
        .unwrap_or_else(|_| Err(unreachable("no connection in time".to_owned())))
}

async fn speak<T>(stream: T, http2: bool, open: Open, generation: u64) -> Result<Opened, UpstreamError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    if http2 {
        return Session::open(stream, open, generation).await.map(Opened::Two);
    }
    let line = Line::open(stream, open, generation).await.map_err(|error| unreachable(chain(&error)))?;
    Ok(Opened::One(line))
}

fn unreachable(why: String) -> UpstreamError {
    UpstreamError::Unreachable(why)
}

async fn secured(
    instance: &Instance,
    tls: &Tls,
    http2: bool,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, UpstreamError> {
    let name = tls.name_of(&instance.host_name).map_err(|error| unreachable(format!("{error:#}")))?;
    let connecting = TlsConnector::from(tls.config(http2)).connect(name, stream);
    connecting.await.map_err(|error| unreachable(format!("TLS: {}", chain(&error))))
}

async fn tcp(instance: &Instance) -> io::Result<TcpStream> {
    let stream = match instance.address {
        Some(address) => TcpStream::connect(address).await?,
        None => first(lookup_host((instance.base.host(), port(&instance.base))).await?).await?,
    };
    // What it sends is whole as soon as it is sent.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// To the first of these addresses that takes one.
async fn first(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
