//! What `bowline demo` and `bowline prove` both need to go shopping on a running platform: choices that a seed repeats,
//! accounts, deliveries, and a look at the books.
//!
//! What it does not do: try again. Who kills processes tries again after every failure, who does not sees in it a fault.

pub(crate) mod accounts;
pub(crate) mod books;
mod choices;

pub(crate) use choices::Choices;

use crate::client::{Answer, Client};
use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Settings of a platform for made-up people: none of them is turned away, and it need not be costly to guess the passwords of
/// people who do not exist.
pub(crate) const SETTINGS: [(&str, &str); 7] = [
    ("BOWLINE_LIMITS__PUBLIC", "1000000 per 1s by ip"),
    ("BOWLINE_LIMITS__API", "1000000 per 1s by user"),
    ("BOWLINE_LIMITS__AUTH", "1000000 per 1s by ip"),
    ("BOWLINE_LIMITS__ORDERS", "1000000 per 1s by user"),
    ("BOWLINE_LIMITS__PAYMENTS", "1000000 per 1s by user"),
    ("BOWLINE_AUTH__HASH_MEMORY_KIB", "64"),
    ("BOWLINE_AUTH__HASH_PASSES", "1"),
];

/// The id of what was made.
pub(crate) fn id(made: &Value) -> Result<String> {
    made["id"].as_str().map(str::to_owned).with_context(|| format!("it has no id: {made}"))
}

/// Brings so many of a product into stock, once for each key.
pub(crate) async fn bring(keeper: &Client, product: &str, quantity: u32, key: &str) -> Result<Answer> {
    let path = format!("/api/v1/inventory/{product}/adjustments");
    let body = json!({"kind": "PURCHASE", "quantity": quantity, "reason": "a delivery"});
    keeper.ask(Method::POST, &path, Some(&body), Some(key)).await
}

/// Every row of a list that is read by cursor.
pub(crate) async fn all<T: DeserializeOwned>(who: &Client, path: &str) -> Result<Vec<T>> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let mut answer = who.ask(Method::GET, &format!("{path}?limit=100{after}"), None, None).await?;
        ensure!(answer.status.is_success(), "{path}: {}", answer.body);
        rows.extend(serde_json::from_value::<Vec<T>>(answer.body["data"].take())?);
        match answer.body["pagination"]["cursor"].as_str() {
            Some(cursor) => after = format!("&cursor={cursor}"),
            None => return Ok(rows),
        }
    }
}
