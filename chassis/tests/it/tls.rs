//! HTTPS on the public listener: who gets in, what they get, and certificates that change meanwhile.

use crate::house::{Lines, Things};
use axum::body::Body;
use chassis::clock::Clock;
use chassis::config::Mode;
use chassis::http::tls::{ClientAuth, Tls, TlsConfig};
use chassis::http::{HttpConfig, Listener};
use chassis::stop::{self, Stopper};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::HandshakeKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Authority, Folder, Pair, Setup, TestService, Wire, connect, eventually};
use tokio::task::JoinSet;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);
const ASK: &str = "GET /api/v1/things/context HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Certificates in a folder.
struct Files {
    authority: Authority,
    folder: Folder,
    config: TlsConfig,
}

impl Files {
    fn new() -> Self {
        let (authority, folder) = (Authority::new("things"), Folder::new("tls").unwrap());
        let (certificate, key) = authority.issue(&["localhost"]).write(folder.path(), "server");
        let (cert_file, key_file) = (vec![certificate.into()], vec![key.into()]);
        Self { authority, folder, config: TlsConfig { cert_file, key_file, ..TlsConfig::default() } }
    }

    fn asking_clients(mut self, client_auth: ClientAuth) -> Self {
        let path = self.folder.path().join("clients.pem");
        std::fs::write(&path, self.authority.pem()).unwrap();
        self.config = TlsConfig { client_auth, client_ca_file: Some(path), ..self.config };
        self
    }

    fn open(&self) -> Arc<Tls> {
        Tls::open(&self.config, Mode::Production, self.folder.path()).unwrap().unwrap()
    }

    /// Has the files read again until the test ends.
    fn follow(tls: &Arc<Tls>) -> (JoinSet<()>, Stopper) {
        let (stopper, stop) = stop::channel();
        let follow = tls.clone().follow(Duration::from_millis(10), Clock::system(), stop);
        let mut following = JoinSet::new();
        following.spawn(async move { follow.await.unwrap() });
        (following, stopper)
    }
}

async fn things() -> TestService {
    Setup::of::<Things>().build().await
}

/// Asks once over a connection of its own.
async fn ask(files: &Files, address: SocketAddr, shown: Option<&Pair>) -> std::io::Result<String> {
    let mut wire = files.authority.connect(address, "localhost", shown).await?;
    wire.write(ASK).await?;
    timeout(LONG, wire.request()).await?
}

/// The certificate that the server shows.
async fn shown(files: &Files, address: SocketAddr) -> Vec<u8> {
    let stream = connect(Arc::new(files.authority.client(None, &[])), address, "localhost").await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_request_over_https_is_answered_and_browsers_are_told_to_keep_to_it() {
    let (files, service) = (Files::new(), things().await);
    let listening = service.listen_with(&files.open());
    let answer = ask(&files, listening.address(), None).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    assert!(answer.contains(r#""secure":true"#) && answer.contains(r#""clientCert":null"#), "{answer}");
}

#[tokio::test]
async fn a_client_that_speaks_http_2_gets_it_by_the_handshake() {
    let (files, service) = (Files::new(), things().await);
    let listening = service.listen_with(&files.open());
    let config = Arc::new(files.authority.client(None, &["h2", "http/1.1"]));
    let stream = connect(config, listening.address(), "localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let request = http::Request::get("https://localhost/api/v1/things/context").body(Body::empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains(r#""secure":true"#));
}

#[tokio::test]
async fn https_beside_plain_http_which_serves_or_only_sends_there() {
    let service = things().await;
    let mut files = Files::new();
    files.config.port = Some(0);
    for redirect in [false, true] {
        files.config.redirect = redirect;
        let listening = service.listen_with(&files.open());
        let secure = listening.secure_address();
        assert_ne!(secure, listening.address());
        assert!(ask(&files, secure, None).await.unwrap().starts_with("HTTP/1.1 200"));
        let mut plain = Wire::connect(listening.address()).await.unwrap();
        plain
            .write("GET /api/v1/things/context?a=b HTTP/1.1\r\nhost: shop.example:80\r\n\r\n")
            .await
            .unwrap();
        let answer = plain.request().await.unwrap();
        assert!(!answer.contains("strict-transport-security"), "{answer}");
        if redirect {
            let there =
                format!("location: https://shop.example:{}/api/v1/things/context?a=b\r\n", secure.port());
            assert!(answer.starts_with("HTTP/1.1 308") && answer.contains(&there), "{answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""secure":false"#), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_door_to_which_nobody_comes_keeps_no_place_from_the_other_one() {
    let (mut files, service) = (Files::new(), things().await);
    files.config.port = Some(0);
    let config = HttpConfig { port: 0, threads: 1, max_connections: 1, ..HttpConfig::default() };
    let listener = Listener::bind_with(&config, Some(&files.open())).unwrap();
    let (plain, secure) = (listener.address(), listener.secure_address().unwrap());
    let (_stopper, stop) = stop::channel();
    let _serving = listener.serve(service.assembled().front(), &config, &stop).unwrap();
    for _ in 0..2 {
        let answer = timeout(LONG, ask(&files, secure, None)).await.expect("it has its turn").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut wire = Wire::connect(plain).await.unwrap();
        wire.write(ASK).await.unwrap();
        let answer = timeout(LONG, wire.request()).await.expect("it has its turn").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn plain_http_at_the_door_of_https_ends_its_connection_and_nothing_else() {
    let (files, service) = (Files::new(), things().await);
    let listening = service.listen_with(&files.open());
    let mut plain = Wire::connect(listening.address()).await.unwrap();
    plain.write(ASK).await.unwrap();
    assert!(!timeout(LONG, plain.rest()).await.unwrap().contains("HTTP/1.1 200"));
    assert!(ask(&files, listening.address(), None).await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut_and_keeps_nobody_waiting() {
    let files = Files::new();
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__HEADER_TIMEOUT_MS", "300").build().await;
    let listening = service.listen_with(&files.open());
    let mut stalled = Vec::new();
    for begun in ["", "\x16\x03\x01", "\x16\x03\x01\x02\x00\x01"] {
        let mut wire = Wire::connect(listening.address()).await.unwrap();
        wire.write(begun).await.unwrap();
        stalled.push(wire);
    }
    assert!(ask(&files, listening.address(), None).await.unwrap().starts_with("HTTP/1.1 200"));
    for mut wire in stalled {
        timeout(LONG, wire.gone()).await.expect("it is cut");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_holds_up_no_stop() {
    let files = Files::new();
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__HEADER_TIMEOUT_MS", "60000").build().await;
    let listening = service.listen_with(&files.open());
    let mut stalled = Wire::connect(listening.address()).await.unwrap();
    stalled.write("\x16\x03\x01").await.unwrap();
    // Who came after it is answered, so it has been let in.
    assert!(ask(&files, listening.address(), None).await.unwrap().starts_with("HTTP/1.1 200"));
    listening.stop();
    timeout(LONG, listening.drained()).await.expect("nobody waits for it");
}

#[tokio::test]
async fn who_has_to_show_a_certificate_is_known_by_it_or_stays_outside() {
    let service = things().await;
    let files = Files::new().asking_clients(ClientAuth::Required);
    let listening = service.listen_with(&files.open());
    let ada = files.authority.issue_as("ada", &["ada@things.example"], -3_600, 3_600);
    let answer = ask(&files, listening.address(), Some(&ada)).await.unwrap();
    assert!(answer.contains(r#""clientCert":"ada""#), "{answer}");
    let stranger = Authority::new("elsewhere").issue(&["ada@things.example"]);
    let late = files.authority.issue_as("ada", &["ada@things.example"], -7_200, -3_600);
    for outside in [None, Some(&stranger), Some(&late)] {
        let answer = ask(&files, listening.address(), outside).await;
        assert!(answer.is_err(), "{outside:?}: {answer:?}");
    }
}

#[tokio::test]
async fn an_eager_sender_without_a_certificate_is_told_that_it_needs_one() {
    let service = things().await;
    let files = Files::new().asking_clients(ClientAuth::Required);
    let listening = service.listen_with(&files.open());
    let much = vec![b'x'; 4 * 1024 * 1024];
    // Not once in some: each time.
    for _ in 0..10 {
        let mut wire = files.authority.connect(listening.address(), "localhost", None).await.unwrap();
        wire.write(&much).await.expect("it is let finish");
        let error = timeout(LONG, wire.request()).await.unwrap().unwrap_err();
        assert!(format!("{error:?}").contains("CertificateRequired"), "{error:?}");
    }
}

#[tokio::test]
async fn who_may_show_a_certificate_gets_in_without_one_but_not_with_a_wrong_one() {
    let service = things().await;
    let files = Files::new().asking_clients(ClientAuth::Optional);
    let listening = service.listen_with(&files.open());
    assert!(ask(&files, listening.address(), None).await.unwrap().contains(r#""clientCert":null"#));
    let ada = files.authority.issue(&["ada@things.example"]);
    let answer = ask(&files, listening.address(), Some(&ada)).await.unwrap();
    assert!(answer.contains(r#""clientCert":"ada@things.example""#), "{answer}");
    let stranger = Authority::new("elsewhere").issue(&["ada@things.example"]);
    assert!(ask(&files, listening.address(), Some(&stranger)).await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_open_ones_go_on() {
    let (files, service) = (Files::new(), things().await);
    let tls = files.open();
    let listening = service.listen_with(&tls);
    let _following = Files::follow(&tls);
    let mut open = files.authority.connect(listening.address(), "localhost", None).await.unwrap();
    let before = shown(&files, listening.address()).await;
    let new = files.authority.issue(&["localhost"]);
    new.write(files.folder.path(), "server");
    eventually(async || shown(&files, listening.address()).await == new.certificate().to_vec()).await;
    assert_ne!(before, new.certificate().to_vec());
    open.write(ASK).await.unwrap();
    assert!(open.request().await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_broken_certificate_is_told_once_and_that_of_before_goes_on() {
    let lines = Lines::capture("info");
    let (files, service) = (Files::new(), things().await);
    let tls = files.open();
    let listening = service.listen_with(&tls);
    let _following = Files::follow(&tls);
    let before = shown(&files, listening.address()).await;
    let gauge = async || lines.metric("tls_certificate_ends_at_seconds", &["certificate=\"localhost\""]);
    assert!(eventually(async || gauge().await.ok_or("no gauge")).await > 1.7e9);
    std::fs::write(files.folder.path().join("server.key"), "no key").unwrap();
    let told = || lines.text().matches("cannot be used: those of before hold").count();
    eventually(async || told() == 1).await;
    assert_eq!(shown(&files, listening.address()).await, before);
    let failed = || lines.metric("tls_reloads_total", &["outcome=\"failed\""]);
    assert_eq!(failed(), Some(1.0));
    let new = files.authority.issue(&["localhost"]);
    new.write(files.folder.path(), "server");
    eventually(async || shown(&files, listening.address()).await == new.certificate().to_vec()).await;
    assert_eq!(told(), 1, "{}", lines.text());
}

#[tokio::test]
async fn a_ticket_ends_with_the_authority_that_its_client_was_believed_by() {
    let service = things().await;
    let files = Files::new().asking_clients(ClientAuth::Required);
    let tls = files.open();
    let listening = service.listen_with(&tls);
    let _following = Files::follow(&tls);
    let ada = files.authority.issue(&["ada@things.example"]);
    let config = Arc::new(files.authority.client(Some(&ada), &["http/1.1"]));
    let again = async || {
        let stream = connect(config.clone(), listening.address(), "localhost").await?;
        let kind = stream.get_ref().1.handshake_kind();
        let mut wire = Wire::new(stream);
        wire.write(ASK).await?;
        let answer = timeout(LONG, wire.request()).await??;
        assert!(answer.contains(r#""clientCert":"ada@things.example""#), "{answer}");
        std::io::Result::Ok(kind)
    };
    assert_eq!(again().await.unwrap(), Some(HandshakeKind::Full));
    assert_eq!(again().await.unwrap(), Some(HandshakeKind::Resumed));
    let other = Authority::new("other");
    std::fs::write(files.folder.path().join("clients.pem"), other.pem()).unwrap();
    eventually(async || again().await.is_err()).await;
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_of() {
    let lines = Lines::capture("info");
    let files = Files::new();
    let soon = files.authority.issue_as("localhost", &["localhost"], -3_600, 5 * 86_400);
    soon.write(files.folder.path(), "server");
    let _following = Files::follow(&files.open());
    eventually(async || lines.text().contains("a certificate ends soon")).await;
}

#[test]
fn what_cannot_serve_ends_the_start_with_the_name_of_the_setting() {
    let mut files = Files::new();
    files.config.key_file = vec![files.folder.path().join("away.key")];
    let error = format!("{:#}", Tls::open(&files.config, Mode::Production, files.folder.path()).unwrap_err());
    assert!(error.contains("tls.key_file: cannot read"), "{error}");
    assert!(Tls::open(&TlsConfig::default(), Mode::Production, files.folder.path()).unwrap().is_none());
}

#[tokio::test]
async fn a_trusted_proxys_word_about_https_is_believed_and_nobody_elses() {
    for (trusted, said, secure) in [
        ("", &["https"][..], false),
        ("127.0.0.0/8", &["https"], true),
        ("127.0.0.0/8", &["https, http"], false),
        ("127.0.0.0/8", &["https", "http"], false),
        ("127.0.0.0/8", &["https", "https"], true),
        ("127.0.0.0/8", &["http"], false),
    ] {
        let service = Setup::of::<Things>().set("BOWLINE_HTTP__TRUSTED_PROXIES", trusted).build().await;
        let listening = service.listen();
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
        let request = http::Request::get(format!("{}/api/v1/things/context", listening.url()));
        let request = said.iter().fold(request, |request, line| request.header("x-forwarded-proto", *line));
        let request = request.body(Body::empty()).unwrap();
        let body = client.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let wanted = format!(r#""secure":{secure}"#);
        assert!(String::from_utf8_lossy(&body).contains(&wanted), "{trusted} {said:?}");
    }
}
