//! TLS to instances, on the wire: whom they are taken for, who we are to them, and HTTP/2.

use super::{House, get, open, post, spec, whole};
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use testkit::{Authority, Folder, Pair, eventually};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A server whose answers say what it was asked over.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, acceptor) = (connections.clone(), tls.map(|tls| TlsAcceptor::from(Arc::new(tls))));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, SeqCst);
                let acceptor = acceptor.clone();
                serving.spawn(async move {
                    match acceptor {
                        None => serve(stream, "plain".to_owned()).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            let session = stream.get_ref().1;
                            let client =
                                if session.peer_certificates().is_some() { "known" } else { "unknown" };
                            let name = session.server_name().unwrap_or("-").to_owned();
                            serve(stream, format!("{name} {client}")).await;
                        }
                    }
                });
            }
        });
        Self { address, connections, _tasks: tasks }
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, said: String) {
    let service = service_fn(move |request: Request<Incoming>| {
        let said = said.clone();
        async move {
            let host = request.uri().authority().map(ToString::to_string);
            let host = host.or(request.headers().get("host").map(|host| host.to_str().unwrap().to_owned()));
            let head = format!("{:?} {said} {}", request.version(), host.unwrap_or_default());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            Ok::<_, Infallible>(Response::new(Body::from(format!("{head} {body}"))))
        }
    });
    drop(
        Builder::new(TokioExecutor::new())
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .await,
    );
}

fn server(pair: &Pair, clients: Option<&Authority>, alpn: &[&str]) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

fn keep(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn settings(server: &Server, host: &str, tls: Value, http2: bool) -> Value {
    json!({ "instances": [format!("https://{host}:{}", server.address.port())], "tls": tls, "http2": http2, "hold_ms": 0 })
}

async fn refusal(house: &House) -> String {
    house.read(get("/")).await.unwrap_err()
}

#[tokio::test]
async fn an_instance_is_believed_that_our_authority_has_signed_for_its_name() {
    let (authority, folder) = (Authority::new("ours"), Folder::new("up").unwrap());
    let believed = Server::start(Some(server(&authority.issue(&["localhost"]), None, &[]))).await;
    let ca = keep(&folder, "ca.pem", authority.pem());
    let house = open(settings(&believed, "localhost", json!({ "ca_file": ca }), false));
    let host = format!("localhost:{}", believed.address.port());
    for _ in 0..5 {
        assert_eq!(
            house.read(post("/", "body")).await.unwrap(),
            format!("HTTP/1.1 localhost unknown {host} body")
        );
    }
    assert_eq!(believed.connections(), 1);
    let by_address = open(settings(&believed, "127.0.0.1", json!({ "ca_file": ca }), false));
    assert!(refusal(&by_address).await.contains("TLS"), "the certificate does not hold for the address");
    let named = json!({ "ca_file": ca, "server_name": "localhost" });
    let named = open(settings(&believed, "127.0.0.1", named, false));
    assert!(named.read(get("/")).await.unwrap().contains("localhost unknown"));
    let browsers = open(settings(&believed, "localhost", Value::Null, false));
    assert!(refusal(&browsers).await.contains("TLS"), "browsers do not know our authority");
    let other = keep(&folder, "other.pem", Authority::new("other").pem());
    assert!(
        refusal(&open(settings(&believed, "localhost", json!({ "ca_file": other }), false)))
            .await
            .contains("TLS")
    );
}

#[tokio::test]
async fn an_instance_that_asks_who_we_are_is_shown_our_certificate() {
    let (authority, folder) = (Authority::new("ours"), Folder::new("up").unwrap());
    let asks = Server::start(Some(server(&authority.issue(&["localhost"]), Some(&authority), &[]))).await;
    let own = authority.issue(&["gateway"]);
    let ca = keep(&folder, "ca.pem", authority.pem());
    let (cert, key) = (keep(&folder, "own.pem", &own.chain), keep(&folder, "own.key", &own.key));
    let known = json!({ "ca_file": ca, "cert_file": cert, "key_file": key });
    let house = open(settings(&asks, "localhost", known, false));
    assert!(house.read(get("/")).await.unwrap().contains("localhost known"));
    let house = open(settings(&asks, "localhost", json!({ "ca_file": ca }), false));
    assert!(house.read(get("/")).await.is_err(), "it does not speak with who shows nothing");
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let (old, new, folder) = (Authority::new("old"), Authority::new("new"), Folder::new("up").unwrap());
    let before = Server::start(Some(server(&old.issue(&["localhost"]), None, &[]))).await;
    let after = Server::start(Some(server(&new.issue(&["localhost"]), None, &[]))).await;
    let ca = keep(&folder, "ca.pem", old.pem());
    let tls = json!({ "ca_file": ca });
    let (to_old, to_new) = (
        open(settings(&before, "localhost", tls.clone(), false)),
        open(settings(&after, "localhost", tls.clone(), false)),
    );
    assert!(to_old.read(get("/")).await.is_ok() && to_new.read(get("/")).await.is_err());
    keep(&folder, "ca.pem", new.pem());
    eventually(async || to_new.read(get("/")).await.is_ok()).await;
    eventually(async || to_old.read(get("/")).await.is_err()).await;
}

#[tokio::test]
async fn files_that_are_wrong_are_told_by_setting() {
    let (authority, folder) = (Authority::new("ours"), Folder::new("up").unwrap());
    let (one, other) = (authority.issue(&["one"]), authority.issue(&["other"]));
    let file = |name: &str, text: &str| keep(&folder, name, text);
    let gone = folder.path().join("gone").display().to_string();
    for (tls, field) in [
        (json!({ "ca_file": gone }), "tls.ca_file"),
        (json!({ "ca_file": file("empty", "") }), "tls.ca_file"),
        (
            json!({ "cert_file": file("one.pem", &one.chain), "key_file": file("other.key", &other.key) }),
            "tls.key_file",
        ),
        (
            json!({ "cert_file": file("none.pem", "x"), "key_file": file("one.key", &one.key) }),
            "tls.cert_file",
        ),
        (json!({ "cert_file": gone }), "tls.key_file"),
        (json!({ "server_name": "not a name" }), "tls.server_name"),
    ] {
        let (_stopper, stop) = chassis::stop::channel();
        let spec = spec(json!({ "instances": ["https://localhost:1"], "tls": tls }));
        let error = format!("{:#}", gateway::upstream::Upstream::open("things", spec, &stop).unwrap_err());
        assert!(error.contains(field), "{field}: {error}");
    }
    assert!(Path::new(&gone).parent().is_some());
}

#[tokio::test]
async fn requests_share_one_connection_of_http_2() {
    let (authority, folder) = (Authority::new("ours"), Folder::new("up").unwrap());
    let pair = authority.issue(&["localhost"]);
    let ca = keep(&folder, "ca.pem", authority.pem());
    let secured = Server::start(Some(server(&pair, None, &["h2", "http/1.1"]))).await;
    let plain = Server::start(None).await;
    let over_tls = settings(&secured, "localhost", json!({ "ca_file": ca }), true);
    let prior = json!({ "instances": [format!("http://{}", plain.address)], "http2": true });
    for (server, settings) in [(&secured, over_tls), (&plain, prior)] {
        let house = open(settings);
        let asked = (0..20).map(|number| house.read(post("/", number.to_string())));
        for (number, answer) in futures_util::future::join_all(asked).await.into_iter().enumerate() {
            let answer = answer.unwrap();
            assert!(answer.starts_with("HTTP/2.0 ") && answer.ends_with(&format!(" {number}")), "{answer}");
            assert!(answer.contains(&format!(":{} ", server.address.port())), "{answer}");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_instance_that_speaks_no_http_2_is_spoken_to_as_it_can() {
    let (authority, folder) = (Authority::new("ours"), Folder::new("up").unwrap());
    let ca = keep(&folder, "ca.pem", authority.pem());
    let old = Server::start(Some(server(&authority.issue(&["localhost"]), None, &["http/1.1"]))).await;
    let house = open(settings(&old, "localhost", json!({ "ca_file": ca }), true));
    for _ in 0..5 {
        let sent = house.send(get("/")).await.unwrap();
        assert!(whole(sent).await.unwrap().starts_with("HTTP/1.1 localhost"));
    }
    assert_eq!(old.connections(), 1);
}

#[tokio::test]
async fn a_connection_of_http_2_that_ends_is_followed_by_another() {
    let first = Server::start(None).await;
    let address = first.address;
    let house = open(json!({ "instances": [format!("http://{address}")], "http2": true, "hold_ms": 5_000 }));
    assert!(house.read(get("/")).await.is_ok());
    drop(first);
    let again = async {
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, "again".to_owned()).await;
    };
    tokio::select! {
        answer = house.read(get("/")) => assert!(answer.unwrap().contains("again")),
        () = again => {}
    }
}
