//! `bowline admin`.

use anyhow::{Context, ensure};
use auth::Auth;
use chassis::run::{Platform, offline};
use clap::{Args, Subcommand};
use secrecy::SecretString;
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
        let made = offline::<Auth, _, _>(platform, |config, context| async move {
            auth::commands::create_admin(config, context, &email, password).await
        })?;
        println!("{made}");
        Ok(ExitCode::SUCCESS)
    }
}

/// From a pipe, or asked for at a terminal without showing it. Never from an argument, which everybody on the machine
/// can read.
fn read_password() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprint!("Password: ");
        std::io::stderr().flush()?;
        let password = rpassword::read_password().context("cannot read the password")?;
        return Ok(password.into());
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!password.is_empty(), "give the password on standard input");
    Ok(password.into())
}
