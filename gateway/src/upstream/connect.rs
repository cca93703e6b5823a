//! Opens connections to instances.

use super::instance::{Instance, port};
use super::line::{Line, Open, chain};
use chassis::peer::UpstreamError;
use chassis::resilience::Full;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

/// Opens a connection, until the deadline at most.
pub(super) async fn open(instance: &Instance, deadline: Instant) -> Result<Line, UpstreamError> {
    open_counted(instance, deadline, 0).await
}

/// Opens a connection unless there are as many as may be.
pub(super) async fn open_counted(
    instance: &Instance,
    deadline: Instant,
    most: u32,
) -> Result<Line, UpstreamError> {
    let open = Open::one_more(&instance.open, most).ok_or(UpstreamError::Full(Full::Queue))?;
    match timeout_at(deadline, line(instance, open)).await {
        Ok(opened) => opened,
        Err(_) => Err(UpstreamError::Unreachable("no connection in time".to_owned())),
    }
}

async fn line(instance: &Instance, open: Open) -> Result<Line, UpstreamError> {
    let stream = tcp(instance).await.map_err(|error| UpstreamError::Unreachable(chain(&error)))?;
    Line::open(stream, open).await.map_err(|error| UpstreamError::Unreachable(chain(&error)))
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
