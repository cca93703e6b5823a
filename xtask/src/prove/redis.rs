//! Redis is away under logins and requests on two replicas of the platform: each counts alone, guesses stay bounded, nobody
//! who knows their password is turned away, and soon after its return Redis counts for both again.

use super::cluster::{Cluster, Settings};
use super::outage::NORMAL_LIMIT;
use super::random::Random;
use crate::bench::http::{Answer, Connection};
use crate::process::interrupted;
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use testkit::servers::{Postgres, Redis};

/// Load before Redis goes, and after it counts again.
const AROUND: Duration = Duration::from_secs(3);
const REPLICAS: u64 = 2;
/// Of `limits.auth`, which is as it is by default: five in fifteen minutes, one more each three.
const GUESSES: u64 = 5;
const ANOTHER_GUESS: Duration = Duration::from_secs(180);
/// Of `limits.public` here: so many at once, and so many each second. Fewer than one client asks for on a slow machine.
const VISITS: u64 = 4;
/// After the first few `limits.public` refuses nobody at this pace, however fast the machine is.
const ATTEMPT_PACE: Duration = Duration::from_millis(1_200 / VISITS);
const PEOPLE: u64 = 8;
const PASSWORD: &str = "correct-battery-7-staple";
/// What one request may take: `redis.timeout_ms` for each of two decisions, and the work itself on a busy machine.
const SLOWEST: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const GIVE_UP: Duration = Duration::from_secs(60);
const LOGIN_PACE: Duration = Duration::from_millis(50);
const GUESS_PACE: Duration = Duration::from_millis(25);
const VISIT_PACE: Duration = Duration::from_millis(5);

/// What one run did.
pub(super) struct Outcome {
    pub(super) requests: u64,
    pub(super) logins: u64,
    pub(super) slowest: Duration,
    /// From the return of Redis until it counted for both replicas.
    pub(super) normal: Duration,
    pub(super) faults: Vec<String>,
}

/// The times of a run.
const PHASES: [&str; 5] =
    ["before", "while Redis stopped", "while Redis was away", "until Redis counted again", "afterwards"];
const BEFORE: usize = 0;
const GOING: usize = 1;
const AWAY: usize = 2;
const COMING: usize = 3;
const AFTER: usize = 4;

/// What was seen in one phase.
#[derive(Default)]
struct Seen {
    took: Mutex<Duration>,
    logins: AtomicU64,
    guesses: AtomicU64,
    guesses_refused: AtomicU64,
    visits: AtomicU64,
    visits_refused: AtomicU64,
}

/// What the clients share.
struct Load {
    ports: Vec<u16>,
    phase: AtomicUsize,
    stop: AtomicBool,
    seen: [Seen; 5],
    requests: AtomicU64,
    slowest: Mutex<Duration>,
    faults: Mutex<Vec<String>>,
}

pub(super) fn run(binary: &Path, home: &Path, length: Duration, random: &mut Random) -> Result<Outcome> {
    let (postgres, mut redis) = (Postgres::start()?, Redis::start()?);
    let mut cluster =
        Cluster::start(binary, &["run"], home, &["all", "all"], settings(&postgres, &redis, random))?;
    let load = Load::new(cluster.ports("auth"));
    let people: Vec<String> = (0..PEOPLE).map(|n| register(&load, n)).collect::<Result<_>>()?;
    let seeds = [random.next(), random.next()];
    let result = std::thread::scope(|scope| {
        let clients = [
            scope.spawn(|| load.log_in(&people, Random::new(seeds[0], 1))),
            scope.spawn(|| load.log_in(&people, Random::new(seeds[1], 2))),
            scope.spawn(|| load.guess()),
            scope.spawn(|| load.visit()),
        ];
        let result = phases(&load, &mut cluster, &mut redis, length);
        load.stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow!("a client panicked"))?;
        }
        result
    });
    let normal = result?;
    cluster.stop()?;
    Ok(load.outcome(normal))
}

fn settings(postgres: &Postgres, redis: &Redis, random: &mut Random) -> Settings {
    let key = format!("{}{}", random.uuid(), random.uuid());
    let visits = format!("{VISITS} per 1s by ip");
    let set = [
        ("BOWLINE_IDENTITY__SERVICE_KEY", key.as_str()),
        ("BOWLINE_AUTH__MASTER_KEY", key.as_str()),
        ("DATABASE_URL", &postgres.url("{service}")),
        ("REDIS_URL", &redis.url()),
        // The clients say where they come from, as behind a proxy.
        ("BOWLINE_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("BOWLINE_LIMITS__PUBLIC", &visits),
        ("BOWLINE_LIMITS__AUTH", "5 per 15m by ip"),
        // Limits are on trial, not the hash of a password in a debug build.
        ("BOWLINE_AUTH__HASH_MEMORY_KIB", "64"),
        ("BOWLINE_AUTH__HASH_PASSES", "1"),
    ];
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Goes through the phases and tells how long the way back took.
fn phases(load: &Load, cluster: &mut Cluster, redis: &mut Redis, length: Duration) -> Result<Duration> {
    load.watch(cluster, BEFORE, AROUND)?;
    load.phase.store(GOING, Ordering::Relaxed);
    let stopping = Instant::now();
    redis.stop()?;
    load.seen[GOING].end(stopping.elapsed());
    load.watch(cluster, AWAY, length)?;
    load.phase.store(COMING, Ordering::Relaxed);
    let coming = Instant::now();
    redis.restart()?;
    let back = Instant::now();
    for n in 0.. {
        cluster.look()?;
        // One window for both refuses the last of them; one for each does not.
        let through = load.attempts(n, GUESSES + 1)?;
        if through == GUESSES {
            break;
        }
        if back.elapsed() > GIVE_UP || interrupted() {
            bail!("{GIVE_UP:?} after Redis was back {through} guesses were let through, not {GUESSES}");
        }
    }
    let normal = back.elapsed();
    load.seen[COMING].end(coming.elapsed());
    load.watch(cluster, AFTER, AROUND)?;
    Ok(normal)
}

fn register(load: &Load, n: u64) -> Result<String> {
    let email = format!("person{n}@example.org");
    let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
    let answer = load.post(n, "/api/v1/auth/register", &address(1, n), &body)?;
    if answer.status != 201 {
        bail!("{email} cannot register: {}", String::from_utf8_lossy(&answer.body));
    }
    Ok(email)
}

/// An address of a kind of clients, from `10.<kind>.0.0` on.
fn address(kind: u64, n: u64) -> String {
    format!("10.{kind}.{}.{}", n / 256 % 256, n % 256)
}

impl Seen {
    fn end(&self, took: Duration) {
        if let Ok(mut place) = self.took.lock() {
            *place = took;
        }
    }

    fn found(&self) -> Found {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Found {
            guesses: (count(&self.guesses), count(&self.guesses_refused)),
            visits: (count(&self.visits), count(&self.visits_refused)),
            logins: count(&self.logins),
        }
    }
}

impl Load {
    fn new(ports: Vec<u16>) -> Self {
        Self {
            ports,
            phase: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            seen: Default::default(),
            requests: AtomicU64::new(0),
            slowest: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    /// Lets the load go on in a phase, for a time and until it has shown something, and looks whether the processes live.
    fn watch(&self, cluster: &mut Cluster, phase: usize, length: Duration) -> Result<()> {
        self.phase.store(phase, Ordering::Relaxed);
        let began = Instant::now();
        let goes_on = || match began.elapsed() {
            short if short < length => true,
            long => long < GIVE_UP && !self.seen[phase].found().shows_something(),
        };
        while goes_on() && !interrupted() {
            cluster.look()?;
            sleep(Duration::from_millis(20));
        }
        self.seen[phase].end(began.elapsed());
        Ok(())
    }

    fn until_stopped(&self, pace: Duration, mut work: impl FnMut(u64, usize, &Seen) -> Result<()>) {
        for n in 0.. {
            if self.stop.load(Ordering::Relaxed) || interrupted() {
                return;
            }
            let next = Instant::now() + pace;
            let phase = self.phase.load(Ordering::Relaxed);
            if let Err(error) = work(n, phase, &self.seen[phase]) {
                self.fault(format!("{}: {error:#}", PHASES[phase]));
            }
            sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// People who know their password, each from wherever they are.
    fn log_in(&self, people: &[String], mut random: Random) {
        self.until_stopped(LOGIN_PACE, |n, _, seen| {
            let email = &people[usize::try_from(random.below(PEOPLE))?];
            let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
            let from = address(2 + random.below(200), random.next());
            let answer = self.post(n, "/api/v1/auth/login", &from, &body)?;
            if answer.status != 200 {
                bail!("a login was answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
            seen.logins.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
    }

    /// One who guesses, from an address of each phase, at both replicas in turn.
    fn guess(&self) {
        self.until_stopped(GUESS_PACE, |n, phase, seen| {
            let body = format!(r#"{{"email":"somebody{n}@example.org","password":"wrong"}}"#);
            let answer = self.post(n, "/api/v1/auth/login", &address(250, phase as u64), &body)?;
            let refused = is_limited(&answer);
            if !refused && !matches!(answer.status, 401 | 429) {
                bail!("a guess was answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
            let counter = if refused { &seen.guesses_refused } else { &seen.guesses };
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
    }

    /// One who asks for more than the public policy allows.
    fn visit(&self) {
        self.until_stopped(VISIT_PACE, |n, _, seen| {
            let request =
                format!("GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {}\r\n\r\n", address(251, 1));
            let answer = self.ask(n, request.as_bytes())?;
            let counter = match answer.status {
                200 => &seen.visits,
                429 => &seen.visits_refused,
                other => bail!("a visit was answered {other}"),
            };
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
    }

    /// How many of so many attempts of a new address `limits.auth` let through.
    fn attempts(&self, n: u64, attempts: u64) -> Result<u64> {
        let mut through = 0;
        for attempt in 0..attempts {
            if attempt >= VISITS {
                sleep(ATTEMPT_PACE);
            }
            let body = r#"{"token":"made-up"}"#;
            let answer = self.post(attempt, "/api/v1/auth/email/verify", &address(252, n), body)?;
            through += u64::from(!is_limited(&answer));
        }
        Ok(through)
    }

    fn post(&self, n: u64, path: &str, from: &str, json: &str) -> Result<Answer> {
        let length = json.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {from}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{json}"
        );
        self.ask(n, request.as_bytes())
    }

    /// Asks the replicas in turn.
    fn ask(&self, n: u64, request: &[u8]) -> Result<Answer> {
        let port = self.ports[usize::try_from(n % self.ports.len() as u64)?];
        let began = Instant::now();
        let answer = Connection::open_within(port, ANSWER_LIMIT)?.ask(request).context("no answer")?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut slowest) = self.slowest.lock() {
            *slowest = began.elapsed().max(*slowest);
        }
        Ok(answer)
    }

    fn fault(&self, fault: String) {
        if let Ok(mut faults) = self.faults.lock() {
            faults.push(fault);
        }
    }

    fn outcome(self, normal: Duration) -> Outcome {
        let mut faults = self.faults.into_inner().unwrap_or_default();
        if faults.len() > 5 {
            let more = faults.len() - 5;
            faults.truncate(5);
            faults.push(format!("and {more} more like these"));
        }
        for (phase, seen) in self.seen.iter().enumerate() {
            let took = seen.took.lock().map(|took| *took).unwrap_or_default();
            let found = seen.found();
            eprintln!("    {}, {:.1} s: {}", PHASES[phase], took.as_secs_f64(), found.told());
            faults.extend(
                found.faults(phase, took).into_iter().map(|fault| format!("{}: {fault}", PHASES[phase])),
            );
        }
        let slowest = self.slowest.into_inner().unwrap_or_default();
        if slowest > SLOWEST {
            faults.push(format!("a request took {slowest:?}"));
        }
        if normal > NORMAL_LIMIT {
            faults.push(format!("Redis did not count for both replicas within {NORMAL_LIMIT:?}"));
        }
        let logins = self.seen.iter().map(|seen| seen.logins.load(Ordering::Relaxed)).sum();
        Outcome { requests: self.requests.into_inner(), logins, slowest, normal, faults }
    }
}

/// Refused by a policy; a login that has to wait after failures is another 429.
fn is_limited(answer: &Answer) -> bool {
    answer.status == 429 && String::from_utf8_lossy(&answer.body).contains("\"RATE_LIMITED\"")
}

/// What one phase comes to: let through and refused.
struct Found {
    guesses: (u64, u64),
    visits: (u64, u64),
    logins: u64,
}

impl Found {
    fn told(&self) -> String {
        let Self { guesses, visits, logins } = self;
        format!(
            "{logins} logins; of {} guesses {} were let through, of {} visits {}",
            guesses.0 + guesses.1,
            guesses.0,
            visits.0 + visits.1,
            visits.0
        )
    }

    /// What is not as promised. Where Redis counts there is one window; where it does not, one for each replica; in between
    /// a client may use up both kinds.
    fn faults(&self, phase: usize, took: Duration) -> Vec<String> {
        let windows = [1, REPLICAS + 1, REPLICAS, REPLICAS + 1, 1][phase];
        let guesses = windows * (GUESSES + 1 + took.as_secs() / ANOTHER_GUESS.as_secs());
        // A quarter of a second more than was measured, as phases end while requests are under way.
        let visits =
            windows * (VISITS + u64::try_from((took.as_millis() + 250) / 1_000 + 1).unwrap_or(0) * VISITS);
        let mut faults = Vec::new();
        if self.guesses.0 > guesses {
            faults.push(format!("{} guesses were let through, not {guesses} at most", self.guesses.0));
        }
        if self.visits.0 > visits {
            faults.push(format!("{} visits were let through, not {visits} at most", self.visits.0));
        }
        // In between there may be no time for it.
        if !matches!(phase, GOING | COMING) {
            let missing = self.shown().into_iter().filter(|(shown, _)| !shown);
            faults.extend(missing.map(|(_, none)| none.to_owned()));
        }
        faults
    }

    /// Whether what was seen shows that limits were kept, and kept nobody out who should be in.
    fn shows_something(&self) -> bool {
        self.shown().into_iter().all(|(shown, _)| shown)
    }

    fn shown(&self) -> [(bool, &'static str); 4] {
        [
            (self.guesses.1 > 0, "no guess was refused"),
            (self.visits.1 > 0, "no visit was refused"),
            (self.visits.0 > 0, "no visit was let through"),
            (self.logins > 0, "nobody logged in"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn faults(phase: usize, guesses: u64, visits: u64) -> usize {
        Found { guesses: (guesses, 50), visits: (visits, 500), logins: 9 }.faults(phase, TEN).len()
    }

    #[test]
    fn one_window_is_allowed_with_redis_and_one_a_replica_without() {
        assert_eq!((faults(BEFORE, 5, 44), faults(AWAY, 10, 88)), (0, 0));
        // Twice as much as with Redis is what comes of a count for each.
        assert_eq!((faults(BEFORE, 10, 44), faults(AFTER, 5, 88)), (1, 1));
        assert_eq!((faults(AWAY, 400, 88), faults(AWAY, 10, 400)), (1, 1));
    }

    #[test]
    fn a_run_in_which_nothing_was_refused_proves_nothing() {
        let found = Found { guesses: (1, 0), visits: (0, 0), logins: 0 };
        assert_eq!(found.faults(AWAY, TEN).len(), 4);
        assert_eq!(found.faults(COMING, TEN).len(), 0);
    }
}
