//! `bowline targets`.

use crate::services;
use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    println!("{:<12} everything below", "all");
    for registration in services::ALL {
        let spec = registration.spec;
        let needs =
            if spec.needs.is_empty() { String::new() } else { format!(" (needs {})", spec.needs.join(", ")) };
        println!("{:<12} {}{needs}", spec.name, spec.about);
    }
    Ok(ExitCode::SUCCESS)
}
