//! Queued jobs, and processes that are killed while jobs are queued and carried out. Whatever was killed when: each has one
//! effect, and none is lost.

use super::killed::{KEYS, PATIENCE, Process, Progress, kill};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::{Client, Databases, Folder, eventually_within};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const ERRANDS: &str = "/api/v1/ledger/errands";

/// What a process takes over from one that died, it takes over after six seconds: a transaction's lease.
fn settings() -> Vec<(String, String)> {
    let set = [("BOWLINE_JOBS__LEASE_MS", "500"), ("BOWLINE_JOBS__POLL_MS", "50")];
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Asks for an errand until that is answered.
async fn insist(clients: &[Client], first: usize, id: Uuid, progress: &Progress) {
    for turn in first.. {
        let ask = clients[turn % clients.len()].request(http::Method::POST, ERRANDS);
        match ask.json(json!({ "id": id })).attempt().await {
            Ok(answer) if answer.status == 200 => {
                progress.answers.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(answer) => assert!(matches!(answer.status.as_u16(), 500 | 503 | 504), "{}", answer.text()),
            Err(_) => {
                progress.broken.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Asks for one errand after the other until it is over; says for how many.
async fn ask(clients: &[Client], number: usize, progress: &Progress) -> u64 {
    let mut asked = 0;
    while !progress.over.load(Ordering::Relaxed) {
        insist(clients, number, Uuid::now_v7(), progress).await;
        asked += 1;
    }
    asked
}

async fn one_effect_each(mut processes: Vec<Process>) {
    for process in &processes {
        process.until_started().await;
    }
    let clients: Vec<Client> = processes.iter().map(Process::client).collect();
    let mut asked = 0;
    // Now and then no job is in hand at any of the kills.
    for _ in 0..5 {
        let progress = Progress::default();
        let asking = join_all((0..KEYS).map(|number| ask(&clients, number, &progress)));
        let both = async { tokio::join!(asking, kill(&mut processes, &progress)).0 };
        asked += timeout(PATIENCE * 4, both).await.unwrap().into_iter().sum::<u64>();
        let figures: Value = eventually_within(PATIENCE, || async {
            let figures: Value = clients[0].get(ERRANDS).await.expect(200).data();
            if figures["open"] == 0 { Ok(figures) } else { Err(figures) }
        })
        .await;
        let told = ["asked", "effects", "undone", "doubled"].map(|name| figures[name].as_u64().unwrap());
        assert_eq!(told, [asked, asked, 0, 0], "{figures}");
        if figures["repeated"].as_u64() > Some(0) {
            return;
        }
    }
    panic!("no job was in hand when processes were killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_each_job_with_one_effect_on_sqlite() {
    let folder = Folder::new("killed-jobs").unwrap();
    one_effect_each(vec![Process::start(&folder.path().join("one"), &settings())]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_replicas_leave_each_job_with_one_effect_on_postgres() {
    let Some(databases) = Databases::on_postgres() else { return };
    let folder = Folder::new("killed-jobs").unwrap();
    let mut settings = settings();
    settings.push(("DATABASE_URL".to_owned(), databases.url()));
    let start = |name: &str| Process::start(&folder.path().join(name), &settings);
    let one = start("one");
    // The first makes the database.
    one.until_started().await;
    one_effect_each(vec![one, start("two")]).await;
}
