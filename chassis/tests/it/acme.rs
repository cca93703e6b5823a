//! Certificates by ACME, from a directory that a test plays: issued, renewed, kept over a restart, and not to be had.

use crate::house::{Lines, Things};
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::{Clock, Ts};
use chassis::config::Mode;
use chassis::http::tls::{Tls, TlsConfig};
use chassis::stop::{self, Stopper};
use http::{StatusCode, Uri};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Authority, Folder, Listening, Setup, Wire, connect, eventually};
use tokio::task::JoinSet;

const DOMAIN: &str = "shop.example";
const DAYS: i64 = 86_400;

/// A directory: what RFC 8555 demands of it, as far as a client sees that.
struct Directory {
    address: SocketAddr,
    authority: Authority,
    /// Where the domain is.
    door: Mutex<Option<SocketAddr>>,
    away: AtomicBool,
    accounts: AtomicU32,
    issued: AtomicU32,
    nonces: Mutex<Vec<String>>,
    thumbprint: Mutex<String>,
    is_proved: AtomicBool,
    chain: Mutex<String>,
}

/// The key of a request for a certificate.
struct Key(Vec<u8>);

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Directory {
    async fn start() -> (Arc<Self>, JoinSet<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            authority: Authority::new("directory"),
            door: Mutex::default(),
            away: AtomicBool::new(false),
            accounts: AtomicU32::new(0),
            issued: AtomicU32::new(0),
            nonces: Mutex::default(),
            thumbprint: Mutex::default(),
            is_proved: AtomicBool::new(false),
            chain: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(directory.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        (directory, serving)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn nonce(&self) -> String {
        let nonce = uuid::Uuid::now_v7().simple().to_string();
        self.nonces.lock().unwrap().push(nonce.clone());
        nonce
    }

    /// What a signed request says; each nonce counts once.
    fn read(&self, body: &[u8], path: &str) -> (Value, Value) {
        let jws: Value = serde_json::from_slice(body).unwrap();
        let part = |name: &str| URL_SAFE_NO_PAD.decode(jws[name].as_str().unwrap()).unwrap();
        let head: Value = serde_json::from_slice(&part("protected")).unwrap();
        let mut nonces = self.nonces.lock().unwrap();
        let known = nonces.iter().position(|nonce| head["nonce"] == nonce.as_str());
        nonces.remove(known.unwrap());
        assert_eq!(head["url"], self.url(path));
        assert_eq!((&head["alg"], jws["signature"].as_str().unwrap().len()), (&json!("ES256"), 86));
        (head, serde_json::from_slice(&part("payload")).unwrap_or(Value::Null))
    }

    /// Asks the domain as it is asked from outside.
    async fn challenge(&self) {
        let door = self.door.lock().unwrap().unwrap();
        let mut wire = Wire::connect(door).await.unwrap();
        let ask = format!("GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\nhost: {DOMAIN}\r\n\r\n");
        wire.write(ask).await.unwrap();
        let answer = wire.request().await.unwrap();
        let wanted = format!("token-1.{}", self.thumbprint.lock().unwrap());
        self.is_proved.store(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&wanted), SeqCst);
    }

    fn order(&self) -> Value {
        let status = match (self.is_proved.load(SeqCst), self.chain.lock().unwrap().is_empty()) {
            (false, _) => "pending",
            (true, true) => "ready",
            (true, false) => "valid",
        };
        json!({
            "status": status,
            "identifiers": [{"type": "dns", "value": DOMAIN}],
            "authorizations": [self.url("authorization")],
            "finalize": self.url("finalize"),
            "certificate": self.url("certificate"),
        })
    }

    fn challenges(&self) -> Value {
        let status = if self.is_proved.load(SeqCst) { "valid" } else { "pending" };
        json!({"type": "http-01", "url": self.url("challenge"), "token": "token-1", "status": status})
    }
}

async fn answer(State(directory): State<Arc<Directory>>, uri: Uri, body: Bytes) -> Response {
    if directory.away.load(SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let url = |path: &str| directory.url(path);
    let (status, body) = match path {
        "directory" => {
            let all =
                json!({"newNonce": url("nonce"), "newAccount": url("account"), "newOrder": url("order")});
            return all.to_string().into_response();
        }
        "nonce" => (StatusCode::OK, Value::Null),
        path => {
            let (head, payload) = directory.read(&body, path);
            match path {
                "account" => {
                    let jwk = &head["jwk"];
                    let text = format!(
                        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
                        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
                    );
                    *directory.thumbprint.lock().unwrap() =
                        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()));
                    directory.accounts.fetch_add(1, SeqCst);
                    assert_eq!(payload["contact"], json!(["mailto:ada@shop.example"]));
                    (StatusCode::CREATED, json!({"status": "valid"}))
                }
                "order" => {
                    directory.is_proved.store(false, SeqCst);
                    directory.chain.lock().unwrap().clear();
                    (StatusCode::CREATED, directory.order())
                }
                "authorization" => {
                    let challenge = directory.challenges();
                    let body = json!({"status": challenge["status"], "challenges": [challenge],
                                      "identifier": {"type": "dns", "value": DOMAIN}});
                    (StatusCode::OK, body)
                }
                "challenge" => {
                    directory.challenge().await;
                    (StatusCode::OK, directory.challenges())
                }
                "orders/1" => (StatusCode::OK, directory.order()),
                "finalize" => {
                    assert!(directory.is_proved.load(SeqCst));
                    let csr = URL_SAFE_NO_PAD.decode(payload["csr"].as_str().unwrap()).unwrap();
                    // The head of a key on P-256, which 65 bytes of a point follow.
                    let head = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
                    let at = csr.windows(head.len()).position(|part| part == head).unwrap() + head.len();
                    let key = Key(csr[at..at + 65].to_vec());
                    // Each lives longer than the one before, for whose end a test moves its clock.
                    let days = 90 * (1 + i64::from(directory.issued.fetch_add(1, SeqCst)));
                    *directory.chain.lock().unwrap() = directory.authority.sign(&[DOMAIN], &key, days * DAYS);
                    (StatusCode::OK, directory.order())
                }
                "certificate" => {
                    let chain = directory.chain.lock().unwrap().clone();
                    return ([("replay-nonce", directory.nonce())], chain).into_response();
                }
                _ => (StatusCode::NOT_FOUND, Value::Null),
            }
        }
    };
    let location = if path == "account" { url("accounts/1") } else { url("orders/1") };
    let headers = [("replay-nonce", directory.nonce()), ("location", location)];
    (status, headers, if body.is_null() { String::new() } else { body.to_string() }).into_response()
}

/// A process that keeps a certificate in a folder.
struct Door {
    listening: Listening,
    following: JoinSet<()>,
    _stopper: Stopper,
}

impl Door {
    async fn open(directory: &Directory, data: &Path, clock: &Clock, retry: u64) -> Self {
        let config = TlsConfig {
            port: Some(0),
            redirect: true,
            acme_domains: vec![DOMAIN.to_owned()],
            acme_directory: directory.url("directory"),
            acme_contact: Some("ada@shop.example".to_owned()),
            acme_retry_secs: retry,
            warn_days: 45,
            ..TlsConfig::default()
        };
        let tls = Tls::open(&config, Mode::Development, data).unwrap().unwrap();
        let service = Setup::of::<Things>().build().await;
        let listening = service.listen_with(&tls);
        *directory.door.lock().unwrap() = Some(listening.address());
        let (stopper, stop) = stop::channel();
        let follow = tls.follow(Duration::from_millis(20), clock.clone(), stop);
        let mut following = JoinSet::new();
        following.spawn(async move {
            let _service = service;
            follow.await.unwrap();
        });
        Self { listening, following, _stopper: stopper }
    }

    /// The certificate that is shown to who believes the directory.
    async fn shown(&self, directory: &Directory) -> Option<Vec<u8>> {
        let config = Arc::new(directory.authority.client(None, &[]));
        let stream = connect(config, self.listening.secure_address(), DOMAIN).await.ok()?;
        Some(stream.get_ref().1.peer_certificates()?[0].to_vec())
    }
}

fn now() -> Clock {
    Clock::manual(Ts::from_secs(Clock::system().now().secs()))
}

#[tokio::test]
async fn a_certificate_is_issued_kept_over_a_restart_and_renewed_before_its_end() {
    let lines = Lines::capture("info");
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    let mut door = Door::open(&directory, folder.path(), &clock, 1).await;
    let first = eventually(async || door.shown(&directory).await).await;
    for file in std::fs::read_dir(folder.path().join("acme")).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    door.following.abort_all();
    drop(door);

    let door = Door::open(&directory, folder.path(), &clock, 1).await;
    assert_eq!(door.shown(&directory).await.unwrap(), first, "at once, from what was kept");
    let day = Duration::from_secs(86_400);
    // It warns once a day, and between two of its looks it has been asked whether it is time.
    for (days, warned) in [(50_u32, 1), (1, 2)] {
        clock.advance(days * day);
        eventually(async || lines.text().matches("a certificate ends soon").count() == warned).await;
    }
    assert_eq!(directory.issued.load(SeqCst), 1, "nothing was asked for");
    clock.advance(10 * day);
    eventually(async || door.shown(&directory).await.is_some_and(|shown| shown != first)).await;
    assert_eq!((directory.issued.load(SeqCst), directory.accounts.load(SeqCst)), (2, 1));
}

#[tokio::test]
async fn while_the_directory_is_away_the_certificate_of_before_goes_on_and_attempts_get_rarer() {
    let lines = Lines::capture("info");
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    let door = Door::open(&directory, folder.path(), &clock, 1).await;
    let first = eventually(async || door.shown(&directory).await).await;
    directory.away.store(true, SeqCst);
    clock.advance(Duration::from_secs(61 * 86_400));
    let failed = || lines.text().matches("no certificate was issued").count();
    eventually(async || failed() == 2).await;
    assert!(
        lines.text().contains("\"again_secs\":1") && lines.text().contains("\"again_secs\":2"),
        "{}",
        lines.text()
    );
    assert_eq!(door.shown(&directory).await.unwrap(), first);
    directory.away.store(false, SeqCst);
    eventually(async || door.shown(&directory).await.is_some_and(|shown| shown != first)).await;
}

#[tokio::test]
async fn a_clock_that_is_years_ahead_does_not_order_without_a_pause() {
    let lines = Lines::capture("info");
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    clock.advance(Duration::from_secs(3_650 * 86_400));
    let _door = Door::open(&directory, folder.path(), &clock, 3_600).await;
    for warned in 1..=5 {
        eventually(async || lines.text().matches("a certificate has ended").count() == warned).await;
        clock.advance(Duration::from_secs(86_400));
    }
    assert_eq!(directory.issued.load(SeqCst), 1);
}

#[tokio::test]
async fn what_was_issued_goes_on_when_its_file_is_broken_or_gone() {
    let lines = Lines::capture("info");
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    let door = Door::open(&directory, folder.path(), &clock, 3_600).await;
    let first = eventually(async || door.shown(&directory).await).await;
    directory.away.store(true, SeqCst);
    let mut files = std::fs::read_dir(folder.path().join("acme")).unwrap().map(|file| file.unwrap().path());
    let issued = files.find(|file| file.extension().is_some_and(|end| end == "pem")).unwrap();
    let told = || lines.text().matches("cannot be used: those of before hold").count();
    std::fs::write(&issued, "nothing").unwrap();
    eventually(async || told() == 1).await;
    assert_eq!(door.shown(&directory).await.unwrap(), first);
    std::fs::remove_file(&issued).unwrap();
    eventually(async || told() == 2).await;
    assert_eq!(door.shown(&directory).await.unwrap(), first);
}

#[tokio::test]
async fn replicas_that_share_a_folder_have_one_certificate_and_each_answers_for_the_account() {
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    let one = Door::open(&directory, folder.path(), &clock, 1).await;
    // From now on the domain leads to the second one.
    let two = Door::open(&directory, folder.path(), &clock, 1).await;
    let first = eventually(async || one.shown(&directory).await).await;
    eventually(async || two.shown(&directory).await.is_some_and(|shown| shown == first)).await;
    assert_eq!((directory.issued.load(SeqCst), directory.accounts.load(SeqCst)), (1, 1));
}

#[tokio::test]
async fn only_challenges_are_answered_in_the_clear_where_everything_else_is_sent_to_https() {
    let ((directory, _serving), folder, clock) =
        (Directory::start().await, Folder::new("acme").unwrap(), now());
    let door = Door::open(&directory, folder.path(), &clock, 1).await;
    eventually(async || door.shown(&directory).await).await;
    for (path, status) in [
        ("/.well-known/acme-challenge/any-token_1", "200"),
        ("/.well-known/acme-challenge/", "308"),
        ("/.well-known/acme-challenge/a.b", "308"),
        ("/.well-known/acme-challenge/a/b", "308"),
        ("/api/v1/things/short", "308"),
    ] {
        let mut wire = Wire::connect(door.listening.address()).await.unwrap();
        wire.write(format!("GET {path} HTTP/1.1\r\nhost: {DOMAIN}\r\n\r\n")).await.unwrap();
        let answer = wire.request().await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{path}: {answer}");
    }
}
