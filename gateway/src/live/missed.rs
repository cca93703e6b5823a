//! What a client has missed: the part of the history between the last message that it has and where it is told again.

use super::Channel;
use super::message::Message;
use super::store::{self, Part, Row};
use chassis::db::DbError;
use chassis::identity::Principal;
use contract::live::{ResetReason, Subscription, Which};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that are read at once for one reason.
const AT_ONCE: i64 = 200;

/// Topics for which a client catches up.
#[derive(Debug)]
pub(super) struct Catch {
    pub(super) topics: Vec<Subscription>,
    /// It has everything of them up to here.
    pub(super) cursor: i64,
    /// Up to where is being read.
    pub(super) until: i64,
    /// Where it began to be told; what is before that is still to be read.
    pub(super) joined: Option<i64>,
    /// Whether it was told of these before and fell behind: nobody asked, so nobody is answered.
    pub(super) resumed: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Missed {
    /// Messages, and up to where these are all.
    Part { messages: Vec<Arc<Message>>, reached: i64 },
    /// They are not to be had.
    Gone(ResetReason),
}

impl Channel {
    /// The first of what somebody has missed of these topics, behind one position and up to another.
    pub(super) async fn missed(
        self,
        who: Principal,
        topics: Vec<Subscription>,
        after: i64,
        until: i64,
    ) -> anyhow::Result<Missed> {
        // Clients that come back together wait here, and not for the connections of the database.
        let _turn = self.turns.acquire().await?;
        let (rows, reached) = self.rows(&who, &topics, Part { after, until, most: AT_ONCE }).await?;
        // Read after the rows: had some been removed before those were read, this would say so.
        let head = store::head(&self.db).await?;
        if head.swept > after {
            return Ok(Missed::Gone(ResetReason::TooOld));
        }
        if after > head.position {
            return Ok(Missed::Gone(ResetReason::Unknown));
        }
        let messages = rows.values().filter_map(|row| Message::of(row, &self.epoch));
        let wanted = |message: &Message| topics.iter().any(|topic| message.is_for(topic, &who));
        let messages = messages.filter(wanted).map(Arc::new).collect();
        Ok(Missed::Part { messages, reached })
    }

    /// Rows that may be among them, by position, and up to where these are all.
    async fn rows(
        &self,
        who: &Principal,
        topics: &[Subscription],
        part: Part,
    ) -> Result<(BTreeMap<i64, Row>, i64), DbError> {
        let (mut rows, mut reached) = (BTreeMap::new(), part.until);
        let mut add = |found: Vec<Row>| {
            if let Some(last) =
                found.last().filter(|_| i64::try_from(found.len()).is_ok_and(|n| n >= part.most))
            {
                // There may be more behind it.
                reached = reached.min(last.position);
            }
            rows.extend(found.into_iter().map(|row| (row.position, row)));
        };
        if part.after >= part.until {
            return Ok((rows, part.after));
        }
        let mine = topics.iter().filter(|topic| topic.which == Which::Mine);
        let mine: Vec<&str> = mine.map(|topic| topic.topic.as_str()).collect();
        if !mine.is_empty() {
            let mine = mine.join(" ");
            add(store::list_of_user(&self.db, part, who.user(), &mine).await?);
            for membership in who.memberships() {
                add(store::list_of_organization(&self.db, part, membership.id, &mine).await?);
            }
        }
        for Subscription { topic, which } in topics {
            match which {
                Which::Mine => {}
                Which::Of(resource) => add(store::list_of_resource(&self.db, part, *topic, *resource).await?),
                Which::All => add(store::list_of_topic(&self.db, part, *topic).await?),
            }
        }
        let behind = rows.split_off(&(reached + 1));
        drop(behind);
        Ok((rows, reached))
    }
}

impl Catch {
    pub(super) fn new(topics: Vec<Subscription>, after: i64) -> Self {
        Self { topics, cursor: after, until: after, joined: None, resumed: false }
    }
}
