//! A peer that speaks bytes: it answers slowly, half, wrongly or never, as a test writes it down.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Listens on a free port of 127.0.0.1 until it is dropped, and handles each connection as it was told.
#[derive(Debug)]
pub struct RawPeer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

/// One connection, from either side.
#[derive(Debug)]
pub struct Wire<S = TcpStream> {
    stream: S,
    read: Vec<u8>,
}

impl RawPeer {
    /// Starts it. `script` runs once a connection; when it returns, the connection is closed.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start<F>(script: impl Fn(Wire) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut running = JoinSet::new();
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // What has ended is not kept until the peer is dropped.
                while running.try_join_next().is_some() {}
                // A script that fails has lost its peer, which the test sees on the other side.
                running.spawn(script(Wire::new(stream)));
            }
        };
        Self { address, connections, accepting: spawn(accept) }
    }

    /// One that answers every request with these bytes and keeps the connection.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut wire| {
            let answer = Arc::clone(&answer);
            async move {
                loop {
                    wire.request().await?;
                    wire.write(&answer).await?;
                }
            }
        })
        .await
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it has had.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "its handle aborts it when the peer is dropped")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(task).abort_handle()
}

impl Wire {
    /// A connection to a listener.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream))
    }

    /// Ends the connection with a reset, as a machine does that has lost it.
    ///
    /// # Errors
    /// When the socket cannot be told so.
    pub fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection, however it was made.
    pub fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other side is gone.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Closes the sending side only.
    ///
    /// # Errors
    /// When the other side is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads until `end` has come and returns everything up to and with it.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn until(&mut self, end: &str) -> io::Result<String> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end.as_bytes()) {
                let rest = self.read.split_off(at + end.len());
                let whole = std::mem::replace(&mut self.read, rest);
                return Ok(String::from_utf8_lossy(&whole).into_owned());
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                let what = String::from_utf8_lossy(&self.read).into_owned();
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
        }
    }

    /// Reads the head of a message.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn head(&mut self) -> io::Result<String> {
        self.until("\r\n\r\n").await
    }

    /// Reads a message whose length is told by `Content-Length`; without it there is no body.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn request(&mut self) -> io::Result<String> {
        let mut whole = self.head().await?;
        let length = whole.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        while self.read.len() < length.unwrap_or(0) {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.read.split_off(length.unwrap_or(0));
        whole.push_str(&String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)));
        Ok(whole)
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn exactly(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < bytes {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.read.split_off(bytes);
        Ok(std::mem::replace(&mut self.read, rest))
    }

    /// Reads everything until the other side closes. A connection that was reset counts as closed.
    pub async fn rest(&mut self) -> String {
        while self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0) {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// Resolves when the other side is gone; whatever it sent before is thrown away.
    pub async fn gone(&mut self) {
        self.rest().await;
    }
}
