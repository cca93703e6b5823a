//! librdkafka's mock of a Kafka cluster, in a process of its own.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program, which testkit has when it is built with the feature `kafka`.
const PROGRAM: &str = "kafka-mock";

/// A mock cluster of Kafka on 127.0.0.1, which keeps everything in memory. It ends when this is dropped, and also when
/// this process ends in whatever way: it reads from a pipe that is closed then.
#[derive(Debug)]
pub struct KafkaMock {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    servers: String,
}

impl KafkaMock {
    /// Starts a cluster of this many brokers with these topics. A topic's full name begins with the bus's prefix:
    /// `bowline-order`.
    ///
    /// # Errors
    /// The program was not built, or did not start.
    pub fn start(brokers: u32, topics: &[&str]) -> Result<Self> {
        let program =
            Self::built().context("kafka-mock is not built: build testkit with the feature `kafka`")?;
        let mut process = Command::new(&program)
            .arg(brokers.to_string())
            .args(topics)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let answers = BufReader::new(answers.context("kafka-mock has no output")?);
        let mut mock = Self { process, orders, answers, servers: String::new() };
        mock.servers = mock.answer()?;
        Ok(mock)
    }

    /// The program, beside the program that runs or one folder up, where cargo puts it.
    pub fn built() -> Option<PathBuf> {
        let own = std::env::current_exe().ok()?;
        let folders = own.ancestors().skip(1).take(2);
        folders.map(|folder: &Path| folder.join(PROGRAM)).find(|program| program.is_file())
    }

    /// The URL of the cluster.
    pub fn url(&self) -> String {
        format!("kafka://{}", self.servers)
    }

    /// Cuts all brokers off, with what they hold.
    ///
    /// # Errors
    /// The process is gone.
    pub fn down(&mut self) -> Result<()> {
        self.order("down")
    }

    /// Brings all brokers back.
    ///
    /// # Errors
    /// The process is gone.
    pub fn up(&mut self) -> Result<()> {
        self.order("up")
    }

    fn order(&mut self, word: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("kafka-mock has ended")?;
        writeln!(orders, "{word}").context("kafka-mock has ended")?;
        let answer = self.answer()?;
        if answer == word { Ok(()) } else { bail!("kafka-mock answered {answer:?}") }
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end() {
            "" => bail!("kafka-mock has ended"),
            line => Ok(line.to_owned()),
        }
    }
}

impl Drop for KafkaMock {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Err(error) = self.process.wait() {
            eprintln!("kafka-mock was not waited for: {error}");
        }
    }
}
