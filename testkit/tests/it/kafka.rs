//! The mock of a Kafka cluster that tests of processes use.

use chassis::bus::{Bus, BusConfig, Record};
use chassis::clock::Clock;
use chassis::db::Synchronous;
use testkit::servers::KafkaMock;
use testkit::{Folder, eventually};
use uuid::Uuid;

fn record(key: &str) -> Record {
    Record { topic: "order".into(), key: key.into(), id: Uuid::new_v4(), body: "{}".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mock_in_another_process_is_cut_off_and_comes_back_with_what_it_held() {
    let mut mock = KafkaMock::start(1, &["bowline-order"]).unwrap();
    let config = BusConfig {
        url: Some(mock.url().into()),
        publish_timeout_ms: 1_000,
        request_timeout_ms: 1_000,
        ..BusConfig::default()
    };
    let folder = Folder::new("kafka").unwrap();
    let bus = Bus::open(&config, folder.path(), Synchronous::Normal, Clock::system()).await.unwrap();
    bus.publish(&[record("before")]).await.remove(0).unwrap();
    mock.down().unwrap();
    assert!(bus.publish(&[record("meanwhile")]).await.remove(0).is_err());
    mock.up().unwrap();
    eventually(async || bus.publish(&[record("after")]).await.remove(0)).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let mut keys = Vec::new();
    while !keys.iter().any(|key| key == "after") {
        keys.extend(reader.next(10).await.unwrap().into_iter().map(|one| one.record.key.to_string()));
    }
    assert!(keys.iter().any(|key| key == "before"), "{keys:?}");
}
