//! What travels on the bus, and what a record has to look like on every engine.

use super::BusError;
use bytes::Bytes;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// The longest name of a topic, in characters.
const LONGEST_TOPIC: usize = 64;
/// The longest key, in bytes.
const LONGEST_KEY: usize = 1_024;

/// What is published: opaque bytes with a topic and a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Which log it belongs to: up to 64 lower-case letters, digits, `-` and `_`.
    pub topic: Arc<str>,
    /// Records of one topic with the same key are read in the order in which they were published. At most 1024 bytes.
    pub key: Box<str>,
    /// Its identity. A broker may use it to drop what it already has; a reader must in any case expect doubles.
    pub id: Uuid,
    /// At most `bus.max_record_bytes`.
    pub body: Bytes,
}

/// Without the body, which may hold personal data.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Record");
        shown.field("topic", &self.topic).field("key", &self.key).field("id", &self.id);
        shown.field("bytes", &self.body.len()).finish()
    }
}

/// A record with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Which part of the topic; records of one key are in one partition.
    pub partition: i32,
    /// Its place in the partition. Later records have greater ones, with gaps. Reading resumes after it.
    pub position: i64,
    /// The record.
    pub record: Record,
}

/// How far a partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which part of the topic.
    pub partition: i32,
    /// The position of the last record that is done with.
    pub position: i64,
}

impl Record {
    /// What no engine would take, so that all refuse the same.
    fn check(&self, max_bytes: usize) -> Result<(), BusError> {
        check_topic(&self.topic)?;
        if self.key.len() > LONGEST_KEY {
            let reason = format!("a key of {} bytes; {LONGEST_KEY} is the most", self.key.len());
            return Err(BusError::Refused(reason));
        }
        if self.body.len() > max_bytes {
            let reason = format!("a body of {} bytes; bus.max_record_bytes is {max_bytes}", self.body.len());
            return Err(BusError::Refused(reason));
        }
        Ok(())
    }

    /// What decides its order: records that agree in it may not overtake each other.
    pub(super) fn lane(&self) -> (&str, &str) {
        (&self.topic, &self.key)
    }
}

/// Whether every engine can have a topic of this name.
pub(super) fn check_topic(topic: &str) -> Result<(), BusError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !topic.is_empty() && topic.len() <= LONGEST_TOPIC && topic.chars().all(is_plain) {
        return Ok(());
    }
    let allowed = format!("up to {LONGEST_TOPIC} lower-case letters, digits, - and _");
    Err(BusError::Refused(format!("{topic:?} is no name of a topic: {allowed}")))
}

/// Looks at records before any of them is sent: each is fit to be sent, refused, or held back because a record before
/// it was refused.
pub(super) fn inspect(records: &[Record], max_bytes: usize) -> Vec<Result<(), BusError>> {
    let mut stopped = HashSet::new();
    let inspected = records.iter().map(|record| match record.check(max_bytes) {
        Ok(()) if stopped.contains(&record.lane()) => Err(BusError::HeldBack),
        Ok(()) => Ok(()),
        Err(refused) => {
            stopped.insert(record.lane());
            Err(refused)
        }
    });
    inspected.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, key: &str, bytes: usize) -> Record {
        Record { topic: topic.into(), key: key.into(), id: Uuid::nil(), body: vec![0; bytes].into() }
    }

    #[test]
    fn a_refused_record_holds_back_its_key_and_no_other() {
        let records = [
            record("order", "a", 1),
            record("order", "a", 11),
            record("order", "a", 1),
            record("order", "b", 1),
            record("entry", "a", 1),
        ];
        let [first, refused, held, other_key, other_topic] = inspect(&records, 10).try_into().unwrap();
        assert!(first.is_ok() && other_key.is_ok() && other_topic.is_ok());
        assert!(matches!(refused, Err(BusError::Refused(_))), "{refused:?}");
        assert_eq!(held, Err(BusError::HeldBack));
    }

    #[test]
    fn a_topic_has_a_name_that_every_broker_takes() {
        for good in ["order", "order-line", "order_2"] {
            assert_eq!(check_topic(good), Ok(()));
        }
        for bad in ["", "Order", "order.line", "order line", "*", ">", &"x".repeat(65)] {
            assert!(check_topic(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_body_is_not_shown() {
        let shown = format!("{:?}", Record { body: "hunter2".into(), ..record("order", "a", 0) });
        assert!(!shown.contains("hunter2") && shown.contains("bytes: 7"), "{shown}");
    }
}
