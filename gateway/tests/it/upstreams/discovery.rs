//! Instances that others know of: DNS, SRV records, Consul.

use super::{House, ask, get, open, whole};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use testkit::{FakeConsul, Fault, FaultyPeer, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

fn known(house: &House) -> Vec<(String, u32)> {
    let look = house.upstream.look(&ask());
    look.instances.into_iter().map(|instance| (instance.url, instance.weight)).collect()
}

/// Priority, weight, port and target.
type Record = (u16, u16, u16, &'static str);

/// A server of DNS that knows one name: what it says is what the test says.
struct FakeDns {
    address: SocketAddr,
    records: Arc<Mutex<Vec<Record>>>,
    /// How many questions have come.
    asked: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl FakeDns {
    /// With `short`, what it says over UDP is always cut off.
    async fn start(short: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).await.unwrap();
        let records = Arc::<Mutex<Vec<_>>>::default();
        let (over_udp, over_tcp) = (records.clone(), records.clone());
        let asked = Arc::<AtomicUsize>::default();
        let counted = asked.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                let mut forged = answer(&question[..length], &[(0, 1, 1, "forged")], false);
                forged[1] ^= 1;
                socket.send_to(&forged, from).await.unwrap();
                let records = over_udp.lock().unwrap().clone();
                counted.fetch_add(1, SeqCst);
                socket.send_to(&answer(&question[..length], &records, short), from).await.unwrap();
            }
        });
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut question = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut question).await.unwrap();
                let records = over_tcp.lock().unwrap().clone();
                let answer = answer(&question, &records, false);
                stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        Self { address, records, asked, _tasks: tasks }
    }

    fn tell(&self, records: &[Record]) {
        *self.records.lock().unwrap() = records.to_vec();
    }

    fn settings(&self) -> Value {
        json!({ "srv": "_http._tcp.shop.example", "resolver": self.address, "refresh_secs": 1, "balance": "weighted" })
    }
}

fn answer(question: &[u8], records: &[(u16, u16, u16, &str)], cut_off: bool) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= if cut_off { 0x82 } else { 0x80 };
    if cut_off {
        return answer;
    }
    answer[7] = u8::try_from(records.len()).unwrap();
    for (priority, weight, port, target) in records {
        let labels: Vec<u8> = target
            .split('.')
            .flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat())
            .collect();
        let length = u16::try_from(labels.len() + 7).unwrap();
        answer.extend([0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
        for number in [length, *priority, *weight, *port] {
            answer.extend(number.to_be_bytes());
        }
        answer.extend(labels);
        answer.push(0);
    }
    answer
}

#[tokio::test]
async fn srv_records_name_instances_their_weights_and_their_priority() {
    for short in [false, true] {
        let (one, other) =
            (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
        let dns = FakeDns::start(short).await;
        let port = |peer: &FaultyPeer| peer.address().port();
        dns.tell(&[
            (1, 1, port(&one), "localhost"),
            (1, 3, port(&other), "localhost"),
            (2, 1, 1, "localhost"),
        ]);
        let house = open(dns.settings());
        // The first request waits until somebody has said where they are.
        let sent = house.send(get("/")).await.unwrap();
        whole(sent).await.unwrap();
        assert_eq!(known(&house).len(), 2, "short: {short}");
        house.spread(39).await;
        assert_eq!((one.requests(), other.requests()), (10, 30));
        let host = format!("host: localhost:{}\r\n", port(&one));
        assert!(one.heard()[0].contains(&host), "{}", one.heard()[0]);
        dns.tell(&[(1, 1, port(&other), "localhost")]);
        eventually(async || known(&house).len() == 1).await;
        dns.tell(&[]);
        let before = dns.asked.load(SeqCst);
        // Who asks again has taken in the answer of before.
        eventually(async || dns.asked.load(SeqCst) > before + 1).await;
        assert_eq!(known(&house).len(), 1, "an empty answer is not believed");
    }
}

#[tokio::test]
async fn dns_names_an_instance_for_every_address() {
    let peer = FaultyPeer::start("one", Fault::None).await;
    let host = format!("localhost:{}", peer.address().port());
    let house = open(json!({ "dns": format!("http://{host}/base") }));
    for _ in 0..5 {
        house.read(get("/things")).await.unwrap();
    }
    assert!(
        known(&house).iter().any(|(url, _)| *url == format!("{}/base", peer.url())),
        "{:?}",
        known(&house)
    );
    assert!(
        peer.heard()[0].starts_with("GET /base/things ")
            && peer.heard()[0].contains(&format!("host: {host}\r\n"))
    );
}

#[tokio::test]
async fn consul_tells_of_instances_as_soon_as_they_change() {
    let (one, other) =
        (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
    let consul = FakeConsul::start(vec![one.address()]).await;
    let url = consul.url("shop");
    let settings = json!({ "consul": url.strip_prefix("consul+").unwrap(), "hold_ms": 5_000 });
    let house = open(settings.clone());
    assert!(house.read(get("/")).await.unwrap().contains("one"));
    consul.tell(vec![other.address()]);
    eventually(async || known(&house) == [(other.url(), 1)]).await;
    assert!(house.read(get("/")).await.unwrap().contains("other"));
    consul.tell(Vec::new());
    assert!(house.read(get("/")).await.unwrap().contains("other"));
    // Other settings, the same source: what is known stays known.
    let mut changed = settings;
    changed["balance"] = json!("round_robin");
    house.change(changed);
    assert!(house.read(get("/")).await.unwrap().contains("other"));
    // Another source: what is known stays until it has answered, here at once.
    house.change(json!({ "instances": [one.url()] }));
    assert!(house.read(get("/")).await.unwrap().contains("one"));
}

#[tokio::test]
async fn a_source_that_does_not_answer_leaves_requests_with_an_error_and_not_waiting() {
    let house = open(json!({ "dns": "http://nobody.invalid:1", "connect_timeout_ms": 200, "hold_ms": 0 }));
    let error = house.read(get("/")).await.unwrap_err();
    assert!(error.contains("none of its instances"), "{error}");
}
