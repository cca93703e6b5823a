//! People with accounts. All have one password, so that whoever watches can log in.

use crate::client::Client;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Of everybody.
pub(crate) const PASSWORD: &str = "violet tram under snow";

/// Somebody who has an account.
pub(crate) async fn log_in(door: &Client, email: &str) -> Result<Client> {
    with_grant(door, &door.post("/api/v1/auth/login", &json!({"email": email, "password": PASSWORD})).await?)
}

/// Somebody who makes an account.
pub(crate) async fn register(door: &Client, email: &str, name: &str) -> Result<Client> {
    let body = json!({"email": email, "password": PASSWORD, "displayName": name});
    with_grant(door, &door.post("/api/v1/auth/register", &body).await?)
}

fn with_grant(door: &Client, grant: &Value) -> Result<Client> {
    let token = grant["accessToken"].as_str().context("a grant has an access token")?;
    Ok(door.with_token(token))
}
