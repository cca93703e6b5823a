//! `bowline targets`.

use crate::services;
use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    super::say(format_args!("{:<12} everything below", "all"))?;
    for registration in services::ALL {
        let spec = registration.spec;
        let needs =
            if spec.needs.is_empty() { String::new() } else { format!(" (needs {})", spec.needs.join(", ")) };
        super::say(format_args!("{:<12} {}{needs}", spec.name, spec.about))?;
    }
    Ok(ExitCode::SUCCESS)
}
