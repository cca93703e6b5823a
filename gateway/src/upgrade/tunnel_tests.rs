use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Longer than any test runs.
const NEVER: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(300);
const PATIENT: Patience = Patience { idle: NEVER, linger: NEVER, parting: NEVER };
const HELLO: &[u8] = &[0x81, 5, b'h', b'e', b'l', b'l', b'o'];

/// A tunnel that runs, with both outer ends.
struct Running {
    client: DuplexStream,
    service: DuplexStream,
    end: oneshot::Sender<End>,
    ended: JoinSet<(End, (u64, u64))>,
}

impl Running {
    fn new(patience: Patience) -> Self {
        let (client, near_client) = duplex(1_024);
        let (service, near_service) = duplex(1_024);
        let (end, until) = oneshot::channel();
        let mut ended = JoinSet::new();
        ended.spawn(async move {
            let mut tunnel =
                Tunnel::new((near_client, Counter::noop()), (near_service, Counter::noop()), patience);
            let until = async { until.await.unwrap_or_else(|_| unreachable!("the test holds it")) };
            (tunnel.run(until).await, tunnel.passed())
        });
        Self { client, service, end, ended }
    }

    async fn ended(mut ended: JoinSet<(End, (u64, u64))>) -> (End, (u64, u64)) {
        ended.join_next().await.unwrap().unwrap()
    }
}

async fn read(stream: &mut DuplexStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).await.unwrap();
    read
}

async fn rest(stream: &mut DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    rest
}

#[tokio::test]
async fn what_one_side_says_the_other_hears_until_both_have_left() {
    let Running { mut client, mut service, end: _end, ended } = Running::new(PATIENT);
    client.write_all(b"from the client").await.unwrap();
    service.write_all(b"from the service").await.unwrap();
    assert_eq!(read(&mut client, 16).await, b"from the service");
    assert_eq!(read(&mut service, 15).await, b"from the client");
    drop(client);
    assert_eq!(rest(&mut service).await, b"");
    drop(service);
    assert_eq!(Running::ended(ended).await, (End::Client, (15, 16)));
}

#[tokio::test]
async fn who_has_ended_may_still_hear_the_other_for_a_while() {
    let Running { mut client, mut service, end: _end, ended } =
        Running::new(Patience { linger: SHORT, ..PATIENT });
    let began = Instant::now();
    service.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"");
    client.write_all(b"late").await.unwrap();
    assert_eq!(read(&mut service, 4).await, b"late");
    assert_eq!(Running::ended(ended).await.0, End::Service);
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn silence_ends_it_and_each_byte_puts_that_off() {
    let Running { mut client, mut service, end: _end, ended } =
        Running::new(Patience { idle: SHORT, ..PATIENT });
    let began = Instant::now();
    for _ in 0..4 {
        tokio::time::sleep(SHORT / 2).await;
        client.write_all(HELLO).await.unwrap();
        assert_eq!(read(&mut service, HELLO.len()).await, HELLO);
    }
    let told = rest(&mut client).await;
    assert_eq!(told, close(1001, "nothing was said for too long", false));
    assert!(began.elapsed() >= SHORT * 3, "it was not silent for so long");
    assert_eq!(rest(&mut service).await.len(), told.len() + 4, "the same, masked");
    drop((client, service));
    assert_eq!(Running::ended(ended).await.0, End::Idle);
}

#[tokio::test]
async fn the_last_word_stands_behind_the_frame_that_is_under_way() {
    let Running { mut client, mut service, end, ended } = Running::new(PATIENT);
    let long = [&[0x82, 126, 0x02, 0x00][..], &[7; 512]].concat();
    service.write_all(&long[..100]).await.unwrap();
    assert_eq!(read(&mut client, 100).await, long[..100]);
    end.send(End::Expired).unwrap();
    // The tunnel runs on this thread, and hears of it before it hears anything else.
    tokio::task::yield_now().await;
    // The next frame comes with the rest of this one, and is not passed on.
    service.write_all(&[&long[100..], HELLO].concat()).await.unwrap();
    let goodbye = close(4401, "the access token has expired", false);
    assert_eq!(rest(&mut client).await, [&long[100..], &goodbye].concat());
    assert_eq!(rest(&mut service).await.len(), goodbye.len() + 4);
    tokio::task::yield_now().await;
    for side in [&mut client, &mut service] {
        side.write_all(&close(4401, "", true))
            .await
            .expect("it is heard out, and not cut off with its answer under way");
    }
    drop((client, service));
    assert_eq!(Running::ended(ended).await.0, End::Expired);
}

#[tokio::test]
async fn who_has_said_goodbye_itself_is_told_nothing_more() {
    let Running { mut client, mut service, end, ended } = Running::new(PATIENT);
    let own = close(1000, "done", false);
    service.write_all(&own).await.unwrap();
    assert_eq!(read(&mut client, own.len()).await, own);
    end.send(End::Stopping).unwrap();
    assert_eq!(rest(&mut client).await, b"");
    drop((client, service));
    assert_eq!(Running::ended(ended).await.0, End::Stopping);
}

#[tokio::test]
async fn who_never_finishes_its_frame_holds_nothing_up() {
    let Running { mut client, mut service, end, ended } =
        Running::new(Patience { parting: SHORT, ..PATIENT });
    service.write_all(&[0x82, 126, 0xff]).await.unwrap();
    assert_eq!(read(&mut client, 3).await.len(), 3);
    end.send(End::Revoked).unwrap();
    assert_eq!(Running::ended(ended).await.0, End::Revoked);
    assert_eq!(rest(&mut client).await, b"", "nothing inside of a frame");
}

#[tokio::test]
async fn a_reader_that_stops_stops_its_writer() {
    let Running { mut client, mut service, end: _end, ended } = Running::new(PATIENT);
    let mut sent = 0;
    let frame = [&[0x82, 126, 0x04, 0x00][..], &[1; 1_024]].concat();
    while timeout(SHORT, client.write_all(&frame)).await.is_ok() {
        sent += 1;
        assert!(sent < 100, "nothing holds it back");
    }
    // What a write that was given up has sent is not known, so only the bytes are counted.
    let mut heard = 0;
    while heard < sent * frame.len() {
        heard += read(&mut service, 1_024.min(sent * frame.len() - heard)).await.len();
    }
    drop((client, service));
    assert!(Running::ended(ended).await.1.0 >= heard as u64);
}
