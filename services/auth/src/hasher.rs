//! Password hashing off the async threads, with a bounded queue.
//!
//! A hash costs tens of milliseconds of a processor and 19 MiB of memory on purpose. A few threads of their own do
//! them, so that a wave of logins neither stalls other requests nor takes all memory; who finds the queue full is told
//! to come again. A request that nobody waits for any more is dropped unhashed.
//!
//! An unknown account costs the same as a known one: its password is compared with a decoy of the same cost, made at
//! the start from random bytes.

use crate::domain::password::{self, Cost, HashingFailed, PasswordHash, Verdict, Weak};
use contract::auth::Password;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Why there is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HasherError {
    /// The queue is full: come again in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// The password is not accepted.
    #[error(transparent)]
    Weak(#[from] Weak),
    /// A defect or lack of memory.
    #[error(transparent)]
    Failed(#[from] HashingFailed),
    /// The threads have ended.
    #[error("the hashing threads have ended")]
    Ended,
}

type Job = Box<dyn FnOnce() + Send>;

/// The threads and their queue. Clones share them; they end with the last clone.
#[derive(Clone)]
pub struct Hasher {
    queue: SyncSender<Job>,
    cost: Cost,
    decoy: PasswordHash,
}

impl Hasher {
    /// Starts `threads` threads with room for `waiting` requests.
    ///
    /// # Errors
    /// When a thread cannot be started or the decoy cannot be made.
    pub fn start(threads: usize, waiting: usize, cost: Cost) -> anyhow::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(waiting.max(1));
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().name(format!("hasher-{n}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, cost, decoy: PasswordHash::decoy(cost)? })
    }

    /// Compares a password with the hash of an account, or with the decoy when there is no such account; then the
    /// answer is always [`Verdict::Mismatch`].
    ///
    /// # Errors
    /// [`HasherError::Busy`] when the queue is full, others on a defect.
    pub async fn verify(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<Verdict, HasherError> {
        let (cost, known) = (self.cost, kept.is_some());
        let kept = kept.unwrap_or_else(|| self.decoy.clone());
        let verdict = self.run("verify", move || kept.verify(&password, cost)).await??;
        Ok(if known { verdict } else { Verdict::Mismatch })
    }

    /// Checks a new password against the policy and hashes it. `about` is what an attacker knows of the person.
    ///
    /// # Errors
    /// [`HasherError::Weak`] when it is not accepted, [`HasherError::Busy`] when the queue is full, others on a defect.
    pub async fn hash_new(
        &self,
        password: Password,
        about: Vec<String>,
    ) -> Result<PasswordHash, HasherError> {
        let cost = self.cost;
        self.run("hash", move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            password::check(&password, &about)?;
            Ok(PasswordHash::new(&password, cost)?)
        })
        .await?
    }

    /// Hashes a password that an account already has, without asking the policy: it was accepted once.
    ///
    /// # Errors
    /// [`HasherError::Busy`] when the queue is full, others on a defect.
    pub async fn rehash(&self, password: Password) -> Result<PasswordHash, HasherError> {
        let cost = self.cost;
        Ok(self.run("hash", move || PasswordHash::new(&password, cost)).await??)
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let started = Instant::now();
            let result = work();
            metrics::histogram!("auth_password_hash_seconds", "operation" => operation)
                .record(started.elapsed());
            // Who asked may have gone meanwhile; there is nobody to tell then.
            drop(answer.send(result));
        });
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                metrics::counter!("auth_password_hash_refused_total").increment(1);
                HasherError::Busy
            }
            TrySendError::Disconnected(_) => HasherError::Ended,
        })?;
        answered.await.map_err(|_| HasherError::Ended)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // A panic in one job must not take the thread with it; its asker sees the channel close.
            Ok(job) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };

    fn password() -> Password {
        Password::new("violet tram under snow")
    }

    #[tokio::test]
    async fn a_hashed_password_verifies() {
        let hasher = Hasher::start(1, 4, CHEAP).unwrap();
        let hash = hasher.hash_new(password(), Vec::new()).await.unwrap();
        assert_eq!(hasher.verify(password(), Some(hash)).await, Ok(Verdict::Match { outdated: false }));
    }

    #[tokio::test]
    async fn an_unknown_account_never_matches() {
        let hasher = Hasher::start(1, 4, CHEAP).unwrap();
        assert_eq!(hasher.verify(password(), None).await, Ok(Verdict::Mismatch));
    }

    #[tokio::test]
    async fn an_unknown_account_costs_what_a_known_one_costs() {
        let hasher = Hasher::start(1, 4, Cost::RECOMMENDED).unwrap();
        assert!(hasher.decoy.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn a_weak_password_is_refused_before_it_is_hashed() {
        let hasher = Hasher::start(1, 4, CHEAP).unwrap();
        let refused = hasher.hash_new(Password::new("password"), Vec::new()).await;
        assert!(matches!(refused, Err(HasherError::Weak(Weak::Guessable(_)))));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_to_come_again() {
        let hasher = Hasher::start(1, 1, CHEAP).unwrap();
        let (started, has_started) = channel();
        let (release, released) = channel::<()>();
        let in_hand = hasher.run("test", move || {
            started.send(()).ok();
            released.recv().ok();
        });
        let waiting = async {
            has_started.recv().unwrap();
            let waiting = hasher.run("test", || ());
            let refused = async {
                assert_eq!(hasher.rehash(password()).await, Err(HasherError::Busy));
                release.send(()).unwrap();
            };
            tokio::join!(biased; waiting, refused).0
        };
        let (first, second) = tokio::join!(biased; in_hand, waiting);
        assert_eq!((first, second), (Ok(()), Ok(())));
    }

    #[tokio::test]
    async fn a_job_that_panics_does_not_stop_the_next_one() {
        let hasher = Hasher::start(1, 4, CHEAP).unwrap();
        let panicked: Result<(), _> = hasher.run("test", || panic!("on purpose")).await;
        assert_eq!(panicked, Err(HasherError::Ended));
        assert_eq!(hasher.verify(password(), None).await, Ok(Verdict::Mismatch));
    }

    #[tokio::test]
    async fn a_request_that_nobody_waits_for_is_not_hashed() {
        let hasher = Hasher::start(1, 4, CHEAP).unwrap();
        let (ran, has_run) = channel();
        let (release, released) = channel::<()>();
        let in_hand = hasher.run("test", move || released.recv().ok());
        let abandoned = Box::pin(hasher.run("test", move || ran.send(()).ok()));
        let leave = async move {
            tokio::select! { biased; _ = abandoned => {}, () = std::future::ready(()) => {} }
            release.send(()).unwrap();
        };
        tokio::join!(biased; in_hand, leave).0.unwrap();
        hasher.verify(password(), None).await.unwrap();
        assert!(has_run.try_recv().is_err());
    }
}
