//! `bowline mail`.

use super::say;
use anyhow::Context as _;
use auth::Auth;
use chassis::http::Page;
use chassis::mail::MailRecord;
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
                    let (newest, total) = mailer.list(Page::new(1, limit)).await?;
                    newest.iter().try_for_each(|mail| say(line(mail)))?;
                    if total == 0 {
                        say("There is no mail.")?;
                    }
                }
                Command::Show { id } => {
                    let mail = mailer.get(id).await?.with_context(|| format!("there is no mail {id}"))?;
                    say(format_args!("To: {}\nSubject: {}\n\n{}", mail.to, mail.subject, mail.text))?;
                }
            }
            Ok(())
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn line(mail: &MailRecord) -> String {
    let MailRecord { id, created_at, status, to, subject, .. } = mail;
    format!("{id}  {created_at}  {:<8} {to:<30} {subject}", status.as_str())
}
