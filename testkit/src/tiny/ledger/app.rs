//! What the ledger does.

use super::store;
use crate::tiny::events::EntryPosted;
use chassis::clock::Clock;
use chassis::db::{Db, DbError, Tx};
use chassis::error::ApiError;
use chassis::events::{Outbox, PublishError};
use chassis::jobs::Jobs;
use chassis::saga::Sagas;
use contract::ErrorCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an entry does to whoever handles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// The first so many attempts to handle it fail.
    Fails(u32),
    /// Every attempt to handle it fails.
    Poison,
    /// The first attempt to handle it says that no other can succeed.
    Rejected,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostEntry {
    /// Chosen by the client: the same again is the same entry.
    #[garde(skip)]
    pub id: Uuid,
    /// The account.
    #[garde(length(min = 1, max = 64))]
    pub account: String,
    /// How much, in minor units.
    #[garde(range(min = -1_000_000_000, max = 1_000_000_000))]
    pub amount: i64,
    /// What the entry does to whoever handles it.
    #[garde(skip)]
    #[serde(default)]
    pub trouble: Trouble,
}

/// An entry that gets its id from the ledger: asked for twice, it is two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deposit {
    /// The account.
    #[garde(length(min = 1, max = 64))]
    pub account: String,
    /// How much, in minor units.
    #[garde(range(min = 1, max = 1_000_000_000))]
    pub amount: i64,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// As the client chose it.
    pub id: Uuid,
    /// The account.
    pub account: String,
    /// Its number among the entries of the account, from 1.
    pub sequence: i64,
    /// How much, in minor units.
    pub amount: i64,
    /// What the entry does to whoever handles it.
    pub trouble: Trouble,
}

/// Why an entry was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    #[error("the id stands for another entry")]
    AnotherEntry,
    #[error("another request with this id was faster")]
    Raced,
    #[error("the database failed")]
    Db(#[from] DbError),
    #[error("the event was not published")]
    Publish(#[from] PublishError),
}

impl From<LedgerError> for ApiError {
    #[track_caller]
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::AnotherEntry => {
                Self::new(ErrorCode::Conflict, "The id was used for an entry with other contents.")
            }
            // It was undone again, so there is no such entry.
            LedgerError::Raced => Self::unavailable(error, Duration::from_secs(1)),
            LedgerError::Db(error) => error.into(),
            LedgerError::Publish(error) => error.into(),
        }
    }
}

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) db: Db,
    pub(super) outbox: Outbox,
    pub(super) sagas: Sagas,
    pub(super) jobs: Jobs,
    pub(super) clock: Clock,
    pub(super) list_limit: i64,
}

impl App {
    /// Takes an entry with an id of its own, in a transaction that somebody else commits.
    pub(super) async fn deposit(&self, t: &mut Tx, asked: Deposit) -> Result<Entry, LedgerError> {
        let Deposit { account, amount } = asked;
        let asked = PostEntry { id: Uuid::now_v7(), account, amount, trouble: Trouble::None };
        let entry = store::insert(t, &asked, self.clock.now()).await?.ok_or(LedgerError::Raced)?;
        self.outbox.publish(t, &EntryPosted::from(&entry)).await?;
        Ok(entry)
    }

    /// Takes an entry, once. Tells whether it is new.
    pub(super) async fn post(&self, asked: PostEntry) -> Result<(Entry, bool), LedgerError> {
        if let Some(found) = store::find(&self.db, asked.id).await? {
            return same(found, &asked);
        }
        let (outbox, now, own) = (self.outbox.clone(), self.clock.now(), asked.clone());
        let taken = self.db.group(move |t| {
            let (outbox, asked) = (outbox.clone(), own.clone());
            Box::pin(async move {
                let entry = store::insert(t, &asked, now).await?.ok_or(LedgerError::Raced)?;
                outbox.publish(t, &EntryPosted::from(&entry)).await?;
                Ok(entry)
            })
        });
        match taken.await {
            Ok(entry) => Ok((entry, true)),
            Err(LedgerError::Raced) => {
                same(store::find(&self.db, asked.id).await?.ok_or(LedgerError::Raced)?, &asked)
            }
            Err(error) => Err(error),
        }
    }
}

fn same(found: Entry, asked: &PostEntry) -> Result<(Entry, bool), LedgerError> {
    let (account, amount, trouble) = (&found.account, found.amount, found.trouble);
    let same = (account, amount, trouble) == (&asked.account, asked.amount, asked.trouble);
    if same { Ok((found, false)) } else { Err(LedgerError::AnotherEntry) }
}
