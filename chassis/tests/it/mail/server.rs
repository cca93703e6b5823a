//! A mail server for tests: speaks enough SMTP (RFC 5321) to be sent to, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Listens on a free port until it is dropped.
pub(crate) struct MailServer {
    pub(crate) url: String,
    state: Arc<State>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct State {
    /// What has been accepted: header and body as they came.
    accepted: Mutex<Vec<String>>,
    /// The answers to the next recipients; without one it is yes.
    answers: Mutex<VecDeque<&'static str>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&state);
        serving.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                conversations.spawn(async move { drop(converse(stream, &state).await) });
            }
        });
        Self { url, state, _serving: serving }
    }

    /// The next recipients get these answers, one each.
    pub(crate) fn answer(&self, answers: &[&'static str]) {
        self.state.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn accepted(&self) -> Vec<String> {
        self.state.accepted.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" | "MAIL" => "250 yes",
            "RCPT" => state.answers.lock().unwrap().pop_front().unwrap_or("250 yes"),
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(&line);
                    message.push('\n');
                }
                state.accepted.lock().unwrap().push(message);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 whatever",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
