//! `bowline openapi`.

use crate::services;
use std::process::ExitCode;
use utoipa::openapi::OpenApi;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    println!("{}", document().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}

/// The document of all services, the door's own first.
pub(crate) fn document() -> OpenApi {
    let (door, others): (Vec<_>, Vec<_>) = services::ALL.iter().partition(|registration| registration.spec.door);
    let mut parts = door.into_iter().chain(others).map(|registration| (registration.spec.openapi)());
    let mut document = parts.next().unwrap_or_default();
    parts.for_each(|part| document.merge(part));
    document
}
