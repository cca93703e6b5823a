//! Speaking with the mail server.

use super::MailRecord;
use crate::clock::Ts;
use anyhow::Context;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::time::{Duration, SystemTime};

pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Without the transport, which holds the password.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Why a mail was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It will not be accepted later either.
    #[error("{0}")]
    Refused(String),
    /// The server is away or asks to be tried again.
    #[error("{0}")]
    NotNow(String),
}

impl Smtp {
    pub(super) fn new(url: &str, from: &str, timeout: Duration) -> anyhow::Result<Self> {
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context("the SMTP URL cannot be read")?;
        Ok(Self { transport: transport.timeout(Some(timeout)).build(), from: mailbox(from)? })
    }

    pub(super) async fn send(&self, mail: &MailRecord, now: Ts) -> Result<(), SendError> {
        let message = self.message(mail, now).map_err(|error| SendError::Refused(format!("{error:#}")))?;
        self.transport.send(message).await.map_err(|error| explain(&error))?;
        Ok(())
    }

    fn message(&self, mail: &MailRecord, now: Ts) -> anyhow::Result<Message> {
        let since_1970 = Duration::from_micros(u64::try_from(now.micros()).unwrap_or_default());
        let message = Message::builder()
            .from(self.from.clone())
            .to(mailbox(&mail.to)?)
            .subject(&mail.subject)
            .date(SystemTime::UNIX_EPOCH + since_1970)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())));
        Ok(message.body(mail.text.clone())?)
    }
}

pub(super) fn mailbox(text: &str) -> anyhow::Result<Mailbox> {
    text.parse().context("the mail address cannot be read")
}

/// Whether the URL has a password and nothing that would hide it on its way.
pub(super) fn sends_password_in_clear(url: &str) -> bool {
    url.starts_with("smtp://") && url.contains('@') && !url.contains("tls=required")
}

fn explain(error: &SmtpError) -> SendError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    // The rejections of an address or a message are 550 to 554. 53x means that the server does not know us: the
    // configuration is wrong, not the mail.
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    let is_about_the_mail = error.is_permanent() && code.starts_with("55");
    if is_about_the_mail { SendError::Refused(text) } else { SendError::NotNow(text) }
}
