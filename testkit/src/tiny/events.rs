//! What the tiny services tell each other.

use super::ledger::{Entry, Trouble};
use contract::event::{Event, OlderVersion, UpcastError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// An entry was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryPosted {
    /// The entry.
    pub id: Uuid,
    /// The account.
    pub account: String,
    /// Its number among the entries of the account, from 1; 0 for an entry from before there were numbers.
    pub sequence: i64,
    /// How much, in minor units.
    pub amount: i64,
    /// What it does to whoever handles it.
    pub trouble: Trouble,
}

/// What version 1 said: entries had no numbers, and the amount had another name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntryPostedV1 {
    /// The entry.
    id: Uuid,
    /// The account.
    account: String,
    /// How much, in minor units.
    cents: i64,
}

impl From<&Entry> for EntryPosted {
    fn from(entry: &Entry) -> Self {
        let Entry { id, account, sequence, amount, trouble } = entry.clone();
        Self { id, account, sequence, amount, trouble }
    }
}

impl Event for EntryPosted {
    const TYPE: &'static str = "entry.posted";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "An entry was taken into the ledger.";
    const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<EntryPostedV1>(1)];

    fn key(&self) -> String {
        self.account.clone()
    }

    fn upcast(version: u32, data: Value) -> Result<Value, UpcastError> {
        match version {
            1 => {
                let amount =
                    data["cents"].as_i64().ok_or_else(|| UpcastError::new("cents is not a number"))?;
                let (id, account) = (&data["id"], &data["account"]);
                Ok(json!({"id": id, "account": account, "sequence": 0, "amount": amount, "trouble": "none"}))
            }
            _ => Err(UpcastError::unknown(version)),
        }
    }
}

/// An entry was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryCounted {
    /// The entry.
    pub id: Uuid,
    /// The account.
    pub account: String,
    /// Its number among the entries of the account, as it was posted.
    pub sequence: i64,
    /// How much, in minor units.
    pub amount: i64,
}

impl Event for EntryCounted {
    const TYPE: &'static str = "entry.counted";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "An entry was counted by the counter.";

    fn key(&self) -> String {
        self.account.clone()
    }
}
