//! A message as it goes to clients: written once, shared by all who get it.

use super::position::Epoch;
use super::store::Row;
use axum::body::Bytes;
use axum::extract::ws::Utf8Bytes;
use chassis::identity::Principal;
use contract::live::{Readers, Subscription, Topic, Which};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::OnceLock;
use time::OffsetDateTime;
use uuid::Uuid;

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) position: i64,
    pub(super) topic: Topic,
    pub(super) resource: Uuid,
    pub(super) readers: Readers,
    pub(super) at: chassis::clock::Ts,
    /// The frame, in JSON.
    pub(super) json: Utf8Bytes,
    /// The same as a server-sent event, once somebody wants it.
    event: OnceLock<Bytes>,
}

/// [`contract::live::ServerFrame::Message`], its data as it is kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    r#type: &'static str,
    topic: Topic,
    id: Uuid,
    event: &'a str,
    position: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    data: &'a RawValue,
}

impl Message {
    /// The message of a row; `None` when it is of a topic that this release does not know.
    pub(super) fn of(row: &Row, epoch: &Epoch) -> Option<Self> {
        let topic = Topic::parse(&row.topic)?;
        let frame = Frame {
            r#type: "message",
            topic,
            id: row.resource,
            event: &row.kind,
            position: epoch.at(row.position).to_string(),
            at: row.at.to_datetime(),
            data: serde_json::from_str(&row.data).ok()?,
        };
        let json = serde_json::to_string(&frame).ok()?.into();
        let (position, resource, readers, at) = (row.position, row.resource, row.readers(), row.at);
        Some(Self { position, topic, resource, readers, at, json, event: OnceLock::new() })
    }

    /// The message as a server-sent event.
    pub(super) fn event(&self, epoch: &Epoch) -> Bytes {
        let write = || super::stream::event("message", Some(epoch.at(self.position)), &self.json);
        self.event.get_or_init(write).clone()
    }

    /// Whether a subscription of somebody brings it, and they may read it.
    pub(super) fn is_for(&self, subscription: &Subscription, who: &Principal) -> bool {
        self.topic == subscription.topic
            && match subscription.which {
                Which::Mine => self.names(who),
                Which::Of(resource) => resource == self.resource && self.may_be_read_by(who),
                Which::All => self.is_for_staff(who),
            }
    }

    /// Whether somebody may read it, for whatever reason.
    pub(super) fn may_be_read_by(&self, who: &Principal) -> bool {
        self.names(who) || self.is_for_staff(who)
    }

    fn names(&self, who: &Principal) -> bool {
        self.readers.name(who.user(), |organization| who.role_in(organization))
    }

    fn is_for_staff(&self, who: &Principal) -> bool {
        self.topic.staff().is_some_and(|permission| who.may(permission))
    }
}
