//! Requests with an `Idempotency-Key`, and processes that are killed while they are at work. Each key is sent by several
//! clients at once, until each of them has an answer. Whatever was killed when: one effect, one answer.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use testkit::tiny::Entry;
use testkit::{Answer, Client, Databases, Folder, eventually_within};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const DEPOSITS: &str = "/api/v1/ledger/deposits";
/// Keys that are in use at a time, and clients that send each of them: a hundred requests at once.
pub(crate) const KEYS: usize = 20;
const CLIENTS: usize = 5;
const KILLS: usize = 6;
/// Answers between two kills.
const BETWEEN: usize = 40;
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process of the ledger on one port, started again after each kill.
pub(crate) struct Process {
    child: Child,
    port: u16,
    home: PathBuf,
    settings: Vec<(String, String)>,
}

impl Process {
    pub(crate) fn start(home: &Path, settings: &[(String, String)]) -> Self {
        let (home, port) = (home.to_owned(), testkit::servers::free_port().unwrap());
        std::fs::create_dir_all(&home).unwrap();
        let settings = settings.to_vec();
        Self { child: spawn(&home, port, &settings), port, home, settings }
    }

    pub(crate) fn client(&self) -> Client {
        Client::http(format!("http://127.0.0.1:{}", self.port))
    }

    pub(crate) async fn until_started(&self) {
        let client = self.client();
        eventually_within(PATIENCE, || async {
            let ask = client.request(http::Method::GET, "/api/v1/ledger/audit").attempt().await?;
            if ask.status == 200 { Ok(()) } else { Err(ask.text().into_owned()) }
        })
        .await;
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn begin_again(&mut self) {
        self.child = spawn(&self.home, self.port, &self.settings);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("the last lines of {}, backwards:\n{}", self.home.display(), last.join("\n"));
        }
    }
}

fn spawn(home: &Path, port: u16, settings: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(home.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiny"));
    command.args(["--target", "ledger"]).current_dir(home).env_clear();
    command.env("PORT", port.to_string()).env("OPS_PORT", "0").env("LOG_LEVEL", "warn");
    // Nothing here is asked of the counter.
    command.env("BOWLINE_PEERS__COUNTER", "http://127.0.0.1:1").env("DATA_DIR", home.join("data"));
    command.env("BOWLINE_LIMITS__PUBLIC", "1000000 per 1m by ip");
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// What is counted while requests and kills go on.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) answers: AtomicUsize,
    pub(crate) broken: AtomicUsize,
    pub(crate) over: AtomicBool,
}

fn ask<'a>(client: &'a Client, key: &str, body: &Value) -> testkit::Ask<'a> {
    let ask = client.request(http::Method::POST, DEPOSITS).header("idempotency-key", key);
    // The lease of a process that died ends two seconds after that.
    ask.header("x-request-timeout-ms", "1000").json(body)
}

/// Sends a request until it is answered: what is to be sent again is sent again.
async fn insist(clients: &[Client], first: usize, key: &str, body: &Value, progress: &Progress) -> Answer {
    let mut turn = first;
    loop {
        turn += 1;
        match ask(&clients[turn % clients.len()], key, body).attempt().await {
            Ok(answer) if answer.status == 201 => {
                progress.answers.fetch_add(1, Ordering::Relaxed);
                return answer;
            }
            // At work, stopping, or not done in time.
            Ok(answer) => assert!(
                matches!(answer.status.as_u16(), 409 | 500 | 503 | 504),
                "{}: {}",
                answer.status,
                answer.text()
            ),
            Err(_) => {
                progress.broken.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Sends one key after the other, each by several clients at once, until it is over. Gives each key's one answer.
async fn deposit(clients: &[Client], number: usize, progress: &Progress) -> Vec<(String, Value, Answer)> {
    let mut answered = Vec::new();
    while !progress.over.load(Ordering::Relaxed) {
        let key = Uuid::new_v4().to_string();
        let body = json!({"account": format!("account-{number}"), "amount": 1 + answered.len()});
        let insisting = (0..CLIENTS).map(|client| insist(clients, number + client, &key, &body, progress));
        let answers = join_all(insisting).await;
        let first = answers.first().unwrap();
        assert!(answers.iter().all(|answer| answer.body == first.body), "one key, several answers");
        let unmarked = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none());
        assert!(unmarked.count() <= 1, "one key was told twice that it was done just now");
        answered.push((key, body, first.clone()));
    }
    answered
}

/// Kills one process after the other while requests go on.
pub(crate) async fn kill(processes: &mut [Process], progress: &Progress) {
    for kill in 0..KILLS {
        let victim = kill % processes.len();
        processes[victim].until_started().await;
        let before = progress.answers.load(Ordering::Relaxed);
        eventually_within(PATIENCE, || async {
            let answers = progress.answers.load(Ordering::Relaxed) - before;
            if answers >= BETWEEN { Ok(()) } else { Err(answers) }
        })
        .await;
        // A moment that nobody has chosen.
        sleep(Duration::from_micros(u64::from(Uuid::new_v4().as_bytes()[0]) * 200)).await;
        processes[victim].kill();
        processes[victim].begin_again();
    }
    for process in processes {
        process.until_started().await;
    }
    progress.over.store(true, Ordering::Relaxed);
}

async fn one_effect_and_one_answer(mut processes: Vec<Process>) {
    for process in &processes {
        process.until_started().await;
    }
    let clients: Vec<Client> = processes.iter().map(Process::client).collect();
    let progress = Progress::default();
    let depositing = join_all((0..KEYS).map(|number| deposit(&clients, number, &progress)));
    let both = async { tokio::join!(depositing, kill(&mut processes, &progress)).0 };
    let answered: Vec<_> = timeout(PATIENCE * 4, both).await.unwrap().into_iter().flatten().collect();
    assert!(progress.broken.load(Ordering::Relaxed) > 0, "nothing was under way when processes were killed");

    // Each key again: the answer is the same.
    for (key, body, first) in &answered {
        let again = ask(&clients[0], key, body).send().await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.body, first.body);
    }
    // The books have what was answered, and nothing else.
    let expected: BTreeMap<Uuid, (String, i64)> = answered
        .iter()
        .map(|(_, _, answer)| answer.data::<Entry>())
        .map(|entry| (entry.id, (entry.account, entry.amount)))
        .collect();
    assert_eq!(expected.len(), answered.len(), "two keys have one effect");
    let entries: Vec<Entry> = clients[0].get("/api/v1/ledger/entries").await.expect(200).data();
    let kept: BTreeSet<Uuid> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(kept, expected.keys().copied().collect());
    let audit: Value = clients[0].get("/api/v1/ledger/audit").await.expect(200).data();
    let sum: i64 = expected.values().map(|(_, amount)| amount).sum();
    assert_eq!((&audit["entries"], &audit["sum"]), (&json!(expected.len()), &json!(sum)), "{audit}");
    assert_eq!(audit["numbered"], audit["entries"], "a number was taken without an entry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_a_key_free_or_with_its_answer_on_sqlite() {
    let folder = Folder::new("killed").unwrap();
    one_effect_and_one_answer(vec![Process::start(&folder.path().join("one"), &[])]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_replicas_leave_a_key_free_or_with_its_answer_on_postgres() {
    let Some(databases) = Databases::on_postgres() else { return };
    let folder = Folder::new("killed").unwrap();
    let settings = [("DATABASE_URL".to_owned(), databases.url())];
    let start = |name: &str| Process::start(&folder.path().join(name), &settings);
    let one = start("one");
    // The first makes the database.
    one.until_started().await;
    one_effect_and_one_answer(vec![one, start("two")]).await;
}
