//! What a person sees when the platform has started: where things are, and what to do next.

#![expect(
    clippy::print_stderr,
    reason = "what the command says to a person; logs may be JSON on standard output"
)]

use chassis::config::Mode;
use chassis::run::{Platform, Started, Targets};
use std::io::IsTerminal;

/// What the banner needs to know from before the start.
pub(crate) struct Facts {
    mode: Mode,
    targets: Vec<&'static str>,
    docs: bool,
}

impl Facts {
    pub(crate) fn of(platform: &Platform, targets: &Targets) -> Self {
        let door = targets.contains("gateway");
        Self { mode: platform.process.mode, targets: targets.names().to_vec(), docs: door }
    }

    /// Prints to a terminal only: whoever collects lines of JSON wants no banner among them.
    pub(crate) fn print(&self, started: &Started) {
        if std::io::stderr().is_terminal() {
            eprint!("{}", self.text(started));
        }
    }

    fn text(&self, started: &Started) -> String {
        let Started { public, secure, ops, databases, took } = started;
        let api = match secure {
            Some(secure) => format!("https://{secure}"),
            None => format!("http://{public}"),
        };
        let mut lines = vec![
            format!("bowline {} ({}), ready in {} ms", crate::VERSION, self.mode, took.as_millis()),
            format!("  API         {api}"),
        ];
        if self.docs {
            lines.push(format!("  docs        {api}/docs"));
        }
        lines.push(format!("  operations  http://{ops}/ready   /health /metrics /info"));
        lines.push(format!("  running     {}", self.targets.join(", ")));
        for (service, database) in databases {
            lines.push(format!("  data        {service}: {database}"));
        }
        if self.targets.contains(&"auth") {
            lines.push("  first admin bowline admin create --email you@example.org".to_owned());
        }
        if !self.mode.is_production() {
            lines.push(
                "  This is development mode. Set BOWLINE_MODE=production to be held to more.".to_owned(),
            );
        }
        format!("\n{}\n\n", lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_banner_says_where_things_are_and_how_to_get_an_admin() {
        let facts = Facts { mode: Mode::Development, targets: vec!["gateway", "auth"], docs: true };
        let text = facts.text(&Started {
            public: ([127, 0, 0, 1], 8080).into(),
            secure: None,
            ops: ([127, 0, 0, 1], 9090).into(),
            databases: vec![("auth", "SQLite data/auth.db".to_owned())],
            took: Duration::from_millis(42),
        });
        for part in [
            "http://127.0.0.1:8080/docs",
            "http://127.0.0.1:9090/ready",
            "SQLite data/auth.db",
            "admin create",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
