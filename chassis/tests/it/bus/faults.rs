//! What a broker that goes away does to those who need it.

use crate::bus::{numbers, on_every_bus, positions, publish, record, take};

on_every_bus! {
    async fn what_was_confirmed_is_there_after_a_new_start(place: Place) {
        let bus = place.open().await;
        publish(&bus, &(0..20).map(|n| record("k", n)).collect::<Vec<_>>()).await;
        let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
        let read = take(&mut reader, 20).await;
        drop(reader);
        bus.close().await;
        let bus = place.open().await;
        publish(&bus, &[record("k", 20)]).await;
        let mut reader = bus.reader("order", "readers", &positions(&read[..10])).await.unwrap();
        assert_eq!(numbers(&take(&mut reader, 11).await)["k"], (10..21).collect::<Vec<_>>());
    }

    async fn a_closed_bus_fails_and_does_not_hang(place: Place) {
        let bus = place.open().await;
        publish(&bus, &[record("k", 0)]).await;
        bus.close().await;
        let [outcome] = bus.publish(&[record("k", 1)]).await.try_into().unwrap();
        assert!(outcome.is_err_and(|error| error.is_temporary()));
        assert!(bus.ping().await.is_err());
    }
}
