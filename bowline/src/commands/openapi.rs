//! `bowline openapi`.

use crate::services;
use std::process::ExitCode;
use utoipa::openapi::OpenApi;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    super::say(document().to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}

/// The document of all services, the door's own first.
pub(crate) fn document() -> OpenApi {
    let specs = || services::ALL.iter().map(|registration| registration.spec);
    let doors_first = specs().filter(|spec| spec.door).chain(specs().filter(|spec| !spec.door));
    let merged = doors_first.map(|spec| (spec.openapi)()).reduce(|mut document, part| {
        document.merge(part);
        document
    });
    merged.unwrap_or_default()
}
