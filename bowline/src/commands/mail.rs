//! `bowline mail`.

use super::say;
use anyhow::Context as _;
use chassis::http::Page;
use chassis::mail::MailRecord;
use chassis::run::{Platform, offline_by_name};
use clap::{Args, Subcommand};
use std::process::ExitCode;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  bowline mail list                            links to prove an address, new passwords, invitations
  bowline mail list --service notifications    letters about orders, payments and stock
  bowline mail show 0199a6d2-7c55-7e0e-b0d8-3d6c6f6c7b11";

/// Look at outgoing mail that is kept in the database
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Mail {
    /// The service whose mail it is
    #[arg(long, global = true, value_name = "NAME", default_value = "auth")]
    service: String,
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
        offline_by_name(platform, &self.service, |context| async move {
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
