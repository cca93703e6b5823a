//! `bowline admin`.

use anyhow::Context;
use chassis::run::Platform;
use clap::{Args, Subcommand};
use contract::auth::Password;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// Manage administrators.
#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an administrator, or make an existing account one
    #[command(after_help = "Examples:\n  bowline admin create --email me@example.org\n  \
                            echo \"$PASSWORD\" | bowline admin create --email me@example.org")]
    Create {
        /// The e-mail address of the account
        #[arg(long)]
        email: String,
    },
}

impl Admin {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let Command::Create { email } = self.command;
        let password = read_password()?;
        let made = auth::commands::create_admin(platform, &email, password)?;
        if made.promoted {
            super::say(format_args!(
                "{email} was there already and is an administrator now; its password is as it was"
            ))?;
        } else {
            super::say(format_args!("{email} is an administrator ({})", made.id))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// None is needed for an account that exists. From a pipe, or asked for at a terminal without showing it. Never from an argument, which everybody on the machine
/// can read.
fn read_password() -> anyhow::Result<Option<Password>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprint!("Password (empty for an account that exists): ");
        std::io::stderr().flush()?;
        let password = rpassword::read_password().context("cannot read the password")?;
        return Ok((!password.is_empty()).then(|| Password::new(password)));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    Ok((!password.is_empty()).then(|| Password::new(password)))
}
