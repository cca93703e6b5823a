//! What a record may be, and what becomes of those that may not.

use crate::bus::{numbers, on_every_bus, publish, record, take};
use chassis::bus::{BusError, Record};

on_every_bus! {
    async fn a_record_is_read_as_it_was_published(place: Place) {
        let bus = place.open().await;
        let keys = ["", " ", "order 7", "line\nbreak", "\u{1f600} ünï", "a%2Fb+c", "0"];
        let mut records: Vec<Record> = keys.iter().map(|key| record(key, 1)).collect();
        records.push(Record { body: Vec::new().into(), ..record("empty", 0) });
        records.push(Record { body: vec![0, 255, 10, 13, 0].into(), ..record("bytes", 0) });
        records.push(Record { body: vec![7; place.config.max_record_bytes].into(), ..record("large", 0) });
        publish(&bus, &records).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let read = take(&mut reader, records.len()).await;
        for record in records {
            assert!(read.iter().any(|one| one.record == record), "{record:?}");
        }
    }

    async fn a_refused_record_holds_back_its_key_and_nothing_else(place: Place) {
        let bus = place.open().await;
        let too_large = Record { body: vec![0; place.config.max_record_bytes + 1].into(), ..record("a", 1) };
        let records = [record("a", 0), too_large, record("b", 10), record("a", 2), record("b", 11)];
        let [first, refused, other, held, last] = bus.publish(&records).await.try_into().unwrap();
        assert_eq!((first, other, last), (Ok(()), Ok(()), Ok(())));
        assert!(refused.is_err_and(|error| matches!(error, BusError::Refused(_)) && !error.is_temporary()));
        assert_eq!(held, Err(BusError::HeldBack));
        publish(&bus, &[record("a", 3)]).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let read = take(&mut reader, 4).await;
        assert_eq!((&*numbers(&read)["a"], &*numbers(&read)["b"]), (&[0, 3][..], &[10, 11][..]));
    }

    async fn the_same_record_published_twice_is_confirmed_twice(place: Place) {
        let bus = place.open().await;
        let twice = record("k", 1);
        publish(&bus, std::slice::from_ref(&twice)).await;
        publish(&bus, &[twice.clone(), record("k", 2)]).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let mut read = take(&mut reader, 2).await;
        if read.len() == 2 && read[1].record == twice {
            read.extend(take(&mut reader, 1).await);
        }
        // A broker may drop the double or keep it; either way nothing is missing and the order stands.
        let numbers = numbers(&read);
        assert!(matches!(&*numbers["k"], [1, 2] | [1, 1, 2]), "{numbers:?}");
    }

    async fn nothing_to_publish_is_no_fault(place: Place) {
        assert!(place.open().await.publish(&[]).await.is_empty());
    }

    async fn a_name_that_no_topic_can_have_is_refused(place: Place) {
        let bus = place.open().await;
        let outcome = bus.publish(&[Record { topic: "a.b".into(), ..record("k", 1) }]).await;
        assert!(matches!(&*outcome, [Err(BusError::Refused(_))]), "{outcome:?}");
        assert!(matches!(bus.reader("a.b", "readers", &[]).await, Err(BusError::Refused(_))));
    }
}
