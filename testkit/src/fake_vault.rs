//! The one route of Vault's API that settings ask: the latest version of a secret of KV version 2.
//!
//! It runs on threads of its own, because settings are loaded by whoever blocks meanwhile.

use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a connection waits for what comes next.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is done to whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// What Vault does.
    Honest,
    /// Nothing is ever answered.
    Hanging,
    /// The connection is closed.
    Closing,
    /// This is answered, byte by byte.
    Lying(String),
}

/// A server that knows what the test tells it, and answers who sends its token and namespace.
#[derive(Debug)]
pub struct FakeVault {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: Mutex<String>,
    namespace: Option<String>,
    mood: Mutex<Mood>,
    secrets: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    asked: Mutex<Vec<String>>,
    ended: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeVault {
    /// Starts it. Without a namespace it answers only who names none.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start(token: &str, namespace: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            token: Mutex::new(token.to_owned()),
            namespace: namespace.map(str::to_owned),
            mood: Mutex::new(Mood::Honest),
            secrets: Mutex::default(),
            asked: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = serving.clone();
                // Who has gone away before the answer sees to it on the other side.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Self { address, shared }
    }

    /// What `VAULT_ADDR` is set to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a new version of a field: `secret/bowline` is the path `bowline` of the mount `secret`.
    pub fn put(&self, path: &str, field: &str, value: &str) {
        let mut secrets = lock(&self.shared.secrets);
        secrets.entry(path.to_owned()).or_default().insert(field.to_owned(), value.to_owned());
    }

    /// Accepts another token from now on, and no other.
    pub fn accept(&self, token: &str) {
        token.clone_into(&mut lock(&self.shared.token));
    }

    /// Changes what is done to whoever asks.
    pub fn be(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// The paths that were asked for, whatever was answered.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for FakeVault {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        loop {
            let head = head(&mut stream)?;
            let target = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
            lock(&self.asked).push(target.clone());
            let mood = lock(&self.mood).clone();
            match mood {
                Mood::Honest => stream.write_all(self.answer(&head, &target).as_bytes())?,
                Mood::Lying(bytes) => stream.write_all(bytes.as_bytes())?,
                Mood::Closing => return Ok(()),
                // Until the other side goes.
                Mood::Hanging => drop(stream.read(&mut [0; 1])?),
            }
        }
    }

    fn answer(&self, head: &str, target: &str) -> String {
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (given, value) = line.split_once(':')?;
                given.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let known = header("x-vault-token").as_deref() == Some(lock(&self.token).as_str())
            && header("x-vault-namespace") == self.namespace;
        let path = target.strip_prefix("/v1/").and_then(|path| path.split_once("/data/"));
        let found =
            path.and_then(|(mount, path)| lock(&self.secrets).get(&format!("{mount}/{path}")).cloned());
        let (status, body) = match (known, found) {
            (false, _) => ("403 Forbidden", json!({"errors": ["permission denied"]})),
            (true, None) => ("404 Not Found", json!({"errors": []})),
            (true, Some(fields)) => (
                "200 OK",
                json!({"request_id": "1", "lease_id": "", "renewable": false, "data": {
                    "data": fields,
                    "metadata": {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false, "version": 1},
                }}),
            ),
        };
        let body = body.to_string();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
