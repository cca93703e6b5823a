//! The door speaks HTTPS, and gets a new certificate while people are connected.

use crate::support::{Sandbox, Shape};
use std::sync::Arc;
use testkit::{Authority, Folder, connect, eventually};

const ASK: &str = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn new_connections_see_it_and_open_ones_go_on(shape: Shape) {
    let (authority, folder) = (Authority::new("shop"), Folder::new("tls").unwrap());
    let first = authority.issue(&["localhost"]);
    let (certificate, key) = first.write(folder.path(), "door");
    let sandbox = Sandbox::start_with(
        shape,
        &[
            ("BOWLINE_TLS__CERT_FILE", &certificate),
            ("BOWLINE_TLS__KEY_FILE", &key),
            ("BOWLINE_TLS__PORT", "0"),
            ("BOWLINE_RELOAD_SECS", "1"),
        ],
    );
    let secure = sandbox.door.secure_address();
    let shown = async || {
        let client = Arc::new(authority.client(None, &["http/1.1"]));
        let stream = connect(client, secure, "localhost").await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let mut open = authority.connect(secure, "localhost", None).await.unwrap();
    open.write(ASK).await.unwrap();
    let answer = open.request().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"keys\""), "{answer}");
    assert_eq!(shown().await, first.certificate());

    let next = authority.issue(&["localhost"]);
    next.write(folder.path(), "door");
    eventually(async || shown().await == next.certificate()).await;
    open.write(ASK).await.unwrap();
    let answer = open.request().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"keys\""), "{answer}");
}

#[tokio::test]
async fn new_connections_see_it_and_open_ones_go_on_in_one_process() {
    new_connections_see_it_and_open_ones_go_on(Shape::All).await;
}

#[tokio::test]
async fn new_connections_see_it_and_open_ones_go_on_as_separate_processes() {
    new_connections_see_it_and_open_ones_go_on(Shape::Split).await;
}
