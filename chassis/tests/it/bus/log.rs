//! Order, positions, and who sees what.

use crate::bus::{LIMIT, numbers, on_every_bus, positions, publish, record, take};
use chassis::bus::Record;
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;

on_every_bus! {
    async fn records_of_a_key_keep_their_order_under_concurrent_publishers(place: Place) {
        let bus = place.open().await;
        let mut publishers = JoinSet::new();
        for publisher in 0..6 {
            let bus = bus.clone();
            publishers.spawn(async move {
                for batch in 0..10 {
                    let numbers = batch * 5..(batch + 1) * 5;
                    let keys = ["a", "b"].map(|key| format!("{key}{publisher}"));
                    let records: Vec<Record> =
                        numbers.flat_map(|n| keys.each_ref().map(|key| record(key, n))).collect();
                    publish(&bus, &records).await;
                }
            });
        }
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let read = take(&mut reader, 600).await;
        publishers.join_all().await;
        let numbers = numbers(&read);
        assert_eq!(numbers.len(), 12);
        for (key, numbers) in numbers {
            assert_eq!(numbers, (0..50).collect::<Vec<_>>(), "{key}");
        }
    }

    async fn a_partition_is_read_in_the_order_of_its_positions(place: Place) {
        let bus = place.open().await;
        let records: Vec<Record> = (0..50).map(|n| record(&format!("k{}", n % 7), n)).collect();
        publish(&bus, &records).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let read = take(&mut reader, 50).await;
        for before in 0..50 {
            for after in before + 1..50 {
                let (before, after) = (&read[before], &read[after]);
                assert!(before.partition != after.partition || before.position < after.position);
            }
        }
    }

    async fn a_reader_resumes_after_the_positions_it_is_given(place: Place) {
        let bus = place.open().await;
        let records: Vec<Record> = (0..60).map(|n| record(&format!("k{}", n % 10), n)).collect();
        publish(&bus, &records).await;
        let mut first = bus.reader("order", "readers", &[]).await.unwrap();
        let mut before = Vec::new();
        while before.len() < 30 {
            before.extend(first.next(10).await.unwrap());
        }
        drop(first);
        let mut second = bus.reader("order", "readers", &positions(&before)).await.unwrap();
        let after = take(&mut second, 60 - before.len()).await;
        let ids: HashSet<_> = before.iter().chain(&after).map(|one| one.record.id).collect();
        assert_eq!((ids.len(), before.len() + after.len()), (60, 60));
    }

    async fn two_groups_each_see_everything(place: Place) {
        let bus = place.open().await;
        publish(&bus, &(0..40).map(|n| record(&format!("k{n}"), n)).collect::<Vec<_>>()).await;
        for group in ["counter", "mailer"] {
            let mut reader = bus.reader("order", group, &[]).await.unwrap();
            let ids: HashSet<_> = take(&mut reader, 40).await.iter().map(|one| one.record.id).collect();
            assert_eq!(ids.len(), 40, "{group}");
        }
    }

    async fn a_second_reader_from_an_old_position_sees_the_same_again(place: Place) {
        let bus = place.open().await;
        publish(&bus, &(0..10).map(|n| record("k", n)).collect::<Vec<_>>()).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let first = take(&mut reader, 10).await;
        let old = positions(&first[..4]);
        let mut again = bus.reader("order", "readers", &old).await.unwrap();
        assert_eq!(take(&mut again, 6).await, first[4..]);
    }

    async fn what_is_published_reaches_a_reader_that_waits(place: Place) {
        let bus = place.open().await;
        publish(&bus, &[record("k", 0)]).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        take(&mut reader, 1).await;
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { take(&mut reader, 1).await });
        publish(&bus, &[record("k", 1)]).await;
        let read = waiting.join_next().await.unwrap().unwrap();
        assert_eq!(numbers(&read)["k"], [1]);
    }

    async fn a_reader_that_comes_before_the_first_record_gets_it(place: Place) {
        let bus = place.open().await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { take(&mut reader, 1).await });
        publish(&bus, &[record("k", 7)]).await;
        assert_eq!(numbers(&waiting.join_next().await.unwrap().unwrap())["k"], [7]);
    }

    async fn a_reader_dropped_while_it_waits_loses_nothing(place: Place) {
        let bus = place.open().await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let mut publishing = JoinSet::new();
        publishing.spawn(async move {
            for n in 0..100 {
                publish(&bus, &[record("k", n)]).await;
            }
            bus
        });
        let (mut read, mut given_up) = (Vec::new(), 0);
        let began = std::time::Instant::now();
        while read.len() < 100 {
            // Too short for most answers of a broker, so that the wait is cut off at every point of it.
            let patience = Duration::from_micros(50 * (given_up % 200));
            match tokio::time::timeout(patience, reader.next(3)).await {
                Ok(batch) => read.extend(batch.unwrap()),
                Err(_) => given_up += 1,
            }
            assert!(began.elapsed() < LIMIT, "{} of 100 after giving up {given_up} times", read.len());
        }
        assert_eq!(numbers(&read)["k"], (0..100).collect::<Vec<_>>());
        assert!(given_up > 0);
    }

    async fn a_large_batch_is_confirmed_as_one_and_read_in_portions(place: Place) {
        let bus = place.open().await;
        let records: Vec<Record> = (0..2_000).map(|n| record(&format!("k{}", n % 3), n)).collect();
        publish(&bus, &records).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        assert!(reader.next(7).await.unwrap().len() <= 7);
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        for (key, numbers) in numbers(&take(&mut reader, 2_000).await) {
            assert!(numbers.is_sorted(), "{key}");
        }
    }

    async fn topics_are_apart(place: Place) {
        let bus = place.open().await;
        let other = Record { topic: "entry".into(), ..record("k", 1) };
        publish(&bus, &[record("k", 0), other.clone(), record("k", 2)]).await;
        let mut orders = bus.reader("order", "readers", &[]).await.unwrap();
        assert_eq!(numbers(&take(&mut orders, 2).await)["k"], [0, 2]);
        let mut entries = bus.reader("entry", "readers", &[]).await.unwrap();
        let [entry] = take(&mut entries, 1).await.try_into().unwrap();
        assert_eq!(entry.record, other);
    }
}
