//! The trivial upstream: a thread a connection, a small JSON body for every path, nothing else.
//!
//! It also plays the service auth for the gateway under test: it answers the verifier feed with an empty key set.

use anyhow::Result;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Where a verifier asks for keys and revocations.
const FEED: &str = "/internal/v1/auth/feed";
const FEED_BODY: &str =
    r#"{"success":true,"data":{"cursor":0,"revocations":[],"keysVersion":"bench","keys":{"keys":[]}}}"#;
const BODY: &str = r#"{"success":true,"data":{"pong":true}}"#;
/// The longest that a verifier may ask the feed to wait for news.
const LONGEST_WAIT: u64 = 30;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
}

/// Serves until the process is ended.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        // A client that goes away is the usual end of a connection here.
        std::thread::spawn(move || serve(stream).unwrap_or_default());
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut chunk = [0; 8 * 1024];
    loop {
        while let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            let path = head.split(' ').nth(1).unwrap_or_default();
            let body = if path.starts_with(FEED) { feed(path) } else { BODY };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes())?;
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        buffer.extend_from_slice(&chunk[..read]);
    }
}

/// There never is news: whoever has the keys waits as long as it asked to.
fn feed(path: &str) -> &'static str {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    if value("keys") == Some("bench")
        && let Some(wait) = value("wait").and_then(|seconds| seconds.parse().ok())
    {
        std::thread::sleep(Duration::from_secs(LONGEST_WAIT.min(wait)));
    }
    FEED_BODY
}
