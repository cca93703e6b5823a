//! The least that axum can be: one handler that answers every path with the same JSON, with nothing around it.

use anyhow::Context as _;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::Value;
use std::path::Path;

/// Serves the file on this port of 127.0.0.1 until the process is ended.
///
/// # Errors
/// When the file cannot be read or the port cannot be had.
pub fn serve(port: u16, body: &Path) -> anyhow::Result<Value> {
    let body = Bytes::from(std::fs::read(body).with_context(|| format!("cannot read {}", body.display()))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let answer = move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, Router::new().fallback(answer)).await?;
        Ok(Value::Null)
    })
}
