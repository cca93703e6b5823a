//! Tunnels through the door: how many, for how long, and what is left of them.

use crate::house::{NOWHERE, door_at, door_to};
use std::sync::Arc;
use std::time::Duration;
use testkit::ws::{Dial, Heard, acceptance};
use testkit::{Fault, FaultyPeer, Listening, RawPeer, Wire, eventually};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);
const PATH: &str = "/api/v1/things/ws";

/// A service that accepts every handshake and says nothing, and how many of its connections have ended.
async fn silent() -> (RawPeer, Arc<Semaphore>) {
    let left = Arc::new(Semaphore::new(0));
    let leaves = Arc::clone(&left);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let leaves = Arc::clone(&leaves);
        async move {
            let head = wire.head().await?;
            wire.write(acceptance(&head)).await?;
            wire.gone().await;
            leaves.add_permits(1);
            Ok(())
        }
    })
    .await;
    (peer, left)
}

fn dial(to: &Listening) -> Dial {
    Dial::new(to.address(), PATH)
}

#[tokio::test]
async fn there_are_so_many_and_no_more_and_a_place_comes_back() {
    for (setting, status) in [("BOWLINE_GATEWAY__TUNNELS", 503), ("BOWLINE_GATEWAY__TUNNELS_PER_CLIENT", 429)]
    {
        let (peer, left) = silent().await;
        let (_door, listening) = door_to(&peer, &[(setting, "2")]).await;
        let one = dial(&listening).open().await.unwrap();
        let _other = dial(&listening).open().await.unwrap();
        let refused = dial(&listening).open().await.unwrap_err();
        assert_eq!(refused.status, status, "{refused}");
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(peer.connections(), 2, "nor was the service asked");
        drop(one);
        timeout(LONG, left.acquire()).await.unwrap().unwrap().forget();
        eventually(async || dial(&listening).open().await).await;
    }
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_leaves_no_place_taken() {
    let peer = RawPeer::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let (_door, listening) = door_to(&peer, &[("BOWLINE_GATEWAY__TUNNELS_PER_CLIENT", "1")]).await;
    for _ in 0..3 {
        assert_eq!(dial(&listening).open().await.unwrap_err().status, 404);
    }
    let (_door, listening) = door_at(NOWHERE, &[("BOWLINE_GATEWAY__TUNNELS", "1")]).await;
    for _ in 0..3 {
        let refused = dial(&listening).open().await.unwrap_err();
        assert!(refused.status == 503 && !refused.body.contains("OVERLOADED"), "{refused}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_services_connection_with_it() {
    let (peer, left) = silent().await;
    let (_door, listening) = door_to(&peer, &[]).await;
    drop(dial(&listening).open().await.unwrap());
    timeout(LONG, left.acquire()).await.unwrap().unwrap().forget();
}

#[tokio::test]
async fn silence_is_borne_for_a_while() {
    let (peer, left) = silent().await;
    let (_door, listening) = door_to(&peer, &[("BOWLINE_GATEWAY__TUNNEL_IDLE_SECS", "1")]).await;
    let mut socket = dial(&listening).open().await.unwrap();
    assert_eq!(socket.hear().await, Heard::Closed(1001, "nothing was said for too long".to_owned()));
    timeout(LONG, left.acquire()).await.unwrap().unwrap().forget();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_never_reads() {
    let (peer, left) = silent().await;
    let (door, listening) = door_to(&peer, &[("BOWLINE_GATEWAY__TUNNEL_GRACE_SECS", "0")]).await;
    // This one does not answer.
    let socket = dial(&listening).open().await.unwrap();
    drop(door);
    timeout(LONG, left.acquire()).await.unwrap().unwrap().forget();
    drop(socket);
}

#[tokio::test]
async fn an_open_tunnel_is_no_call_in_flight_and_takes_no_room_from_calls() {
    let (peer, _left) = silent().await;
    let (door, listening) = door_to(&peer, &[("BOWLINE_CALLS__CONCURRENT", "1")]).await;
    let _one = dial(&listening).open().await.unwrap();
    let _other = dial(&listening).open().await.unwrap();
    let in_flight: u32 = door
        .assembled()
        .peers()
        .iter()
        .flat_map(|seen| &seen.instances)
        .map(|instance| instance.in_flight)
        .sum();
    assert_eq!(in_flight, 0);
}

#[tokio::test]
async fn a_handshake_goes_to_an_instance_that_is_there() {
    let (well, _left) = silent().await;
    let gone = FaultyPeer::start("gone", Fault::Refuses).await;
    let (_door, listening) =
        door_at(&format!("{},{}", gone.url(), well.url()), &[("BOWLINE_CALLS__RETRY_FLOOR", "1000")]).await;
    for _ in 0..6 {
        dial(&listening).open().await.unwrap();
    }
    assert_eq!(well.connections(), 6);
}
