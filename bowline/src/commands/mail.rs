//! `bowline mail`.

use anyhow::Context as _;
use auth::Auth;
use chassis::http::Page;
use chassis::run::{Platform, offline};
use clap::{Args, Subcommand};
use std::process::ExitCode;
use uuid::Uuid;

/// Look at outgoing mail that is kept in the database.
#[derive(Debug, Args)]
pub(crate) struct Mail {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the newest mail
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
    /// Show one mail with its text
    Show {
        /// Its id, as `list` shows it
        id: Uuid,
    },
}

impl Mail {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        offline::<Auth, _, _>(platform, |_, context| async move {
            let mailer = context.mailer()?;
            match self.command {
                Command::List { limit } => {
                    let (newest, _) = mailer.list(Page::new(1, limit)).await?;
                    for mail in newest {
                        println!(
                            "{}  {}  {:<8} {:<30} {}",
                            mail.id,
                            mail.created_at,
                            mail.status.as_str(),
                            mail.recipient,
                            mail.subject
                        );
                    }
                }
                Command::Show { id } => {
                    let mail = mailer.get(id).await?.with_context(|| format!("there is no mail {id}"))?;
                    println!("To: {}\nSubject: {}\n\n{}", mail.recipient, mail.subject, mail.text);
                }
            }
            Ok(())
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
