//! The connections to an SQLite file: a few lanes, each with a watch that ends a statement which runs too long or whose
//! caller has gone.
//!
//! sqlx's pool asks a connection for a sign of life each time it comes back, which for SQLite is a trip to another
//! thread and back: measured, half the cost of a select. It also offers no place to keep a connection's watch. So the
//! lanes are kept here: a semaphore and a stack.
//!
//! What must hold: a lane is used by one owner at a time; whoever takes a lane whose last statement was abandoned waits
//! until that statement has ended, so that the watch never ends the wrong one.

use crate::db::DbError;
use futures_util::FutureExt;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

/// How many steps of SQLite's virtual machine lie between two looks at the watch: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 4_096;

/// A few connections to one SQLite file. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Lanes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: SqliteConnectOptions,
    max: u32,
    acquire_timeout: Duration,
    statement_timeout: Duration,
    free: Semaphore,
    idle: Mutex<Vec<Connection>>,
    closed: AtomicBool,
}

/// One connection, for one owner until it is dropped.
#[derive(Debug)]
pub struct Lane {
    connection: Option<Connection>,
    lanes: Arc<Inner>,
}

#[derive(Debug)]
struct Connection {
    sqlite: SqliteConnection,
    watch: Arc<Watch>,
    /// A statement has been sent and its end has not been seen.
    running: bool,
}

/// When the running statement has to end.
#[derive(Debug)]
struct Watch {
    start: Instant,
    /// Microseconds after `start`.
    end: AtomicU64,
}

impl Watch {
    fn new() -> Self {
        Self { start: Instant::now(), end: AtomicU64::new(u64::MAX) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn allow(&self, span: Duration) {
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.end.store(self.now().saturating_add(span), Ordering::Relaxed);
    }

    fn end_now(&self) {
        self.end.store(0, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.now() >= self.end.load(Ordering::Relaxed)
    }
}

impl Connection {
    async fn open(options: &SqliteConnectOptions) -> Result<Self, DbError> {
        let mut sqlite = options.connect().await?;
        let watch = Arc::new(Watch::new());
        let seen = Arc::clone(&watch);
        sqlite.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, move || !seen.is_over());
        Ok(Self { sqlite, watch, running: false })
    }

    /// Tells a statement whose end nobody waits for to end at once.
    fn abandon(&self) {
        if self.running {
            self.watch.end_now();
        }
    }

    /// Waits until an abandoned statement has ended; the watch has told it to.
    async fn at_rest(mut self) -> Result<Self, DbError> {
        if self.running {
            self.sqlite.ping().await?;
            self.running = false;
        }
        Ok(self)
    }
}

impl Lanes {
    pub(super) fn new(
        options: SqliteConnectOptions,
        max: u32,
        acquire_timeout: Duration,
        statement_timeout: Duration,
    ) -> Self {
        let free = Semaphore::new(max as usize);
        let (idle, closed) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Inner { options, max, acquire_timeout, statement_timeout, free, idle, closed }))
    }

    /// Waits for a lane; they are given out in the order in which they were asked for.
    ///
    /// # Errors
    /// When none came free in time, when the lanes are closed, and when the file cannot be opened.
    pub async fn lane(&self) -> Result<Lane, DbError> {
        let lanes = &self.0;
        let permit = lanes.permit().await?;
        let idle = lanes.idle().pop();
        let rested = match idle {
            Some(connection) => connection.at_rest().await.ok(),
            None => None,
        };
        let connection = match rested {
            Some(connection) => connection,
            None => Connection::open(&lanes.options).await?,
        };
        // From here on it is the lane that gives the permit back.
        permit.forget();
        Ok(Lane { connection: Some(connection), lanes: Arc::clone(lanes) })
    }

    /// The options that its connections are opened with.
    pub(in crate::db) fn options(&self) -> &SqliteConnectOptions {
        &self.0.options
    }

    /// How long a lane is waited for.
    pub(in crate::db) fn acquire_timeout(&self) -> Duration {
        self.0.acquire_timeout
    }

    /// How many connections are open and in use, open and idle, and allowed.
    pub(in crate::db) fn count(&self) -> (u32, u32, u32) {
        let free = u32::try_from(self.0.free.available_permits()).unwrap_or(u32::MAX);
        let idle = u32::try_from(self.0.idle().len()).unwrap_or(u32::MAX);
        (self.0.max.saturating_sub(free), idle, self.0.max)
    }

    /// Gives out no lane any more, waits for those in use, and closes the file.
    pub(in crate::db) async fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        let all_back = self.0.free.acquire_many(self.0.max).await;
        self.0.free.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for connection in idle {
            if let Err(error) = connection.sqlite.close().await {
                tracing::warn!(error = %error, "an SQLite connection was not closed in order");
            }
        }
        drop(all_back);
    }
}

impl Inner {
    async fn permit(&self) -> Result<SemaphorePermit<'_>, DbError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(DbError::PoolClosed);
        }
        match self.free.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::Closed) => Err(DbError::PoolClosed),
            Err(TryAcquireError::NoPermits) => {
                let waited = tokio::time::timeout(self.acquire_timeout, self.free.acquire()).await;
                waited.map_err(|_| DbError::PoolTimedOut)?.map_err(|_| DbError::PoolClosed)
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// The connection for one statement, which may run as long as the configuration says from now on.
    pub fn statement(&mut self) -> &mut SqliteConnection {
        let allowed = self.lanes.statement_timeout;
        let connection = self.connection();
        connection.watch.allow(allowed);
        connection.running = true;
        &mut connection.sqlite
    }

    /// Notes that the statement has ended, and hands its outcome on.
    ///
    /// # Errors
    /// The statement's own.
    pub fn settle<T>(&mut self, outcome: Result<T, DbError>) -> Result<T, DbError> {
        self.connection().running = false;
        outcome
    }

    /// Ends the running statement, if there is one, and sends another without waiting for its end.
    pub(super) fn send(&mut self, sql: &'static str) {
        let connection = self.connection();
        connection.abandon();
        // The first poll hands the statement to the connection's thread; nobody is left to hear how it went.
        drop(sqlx::query(sql).execute(&mut connection.sqlite).now_or_never());
    }

    #[expect(clippy::expect_used, reason = "only drop takes it out")]
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lane in use has its connection")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.abandon();
            self.lanes.idle().push(connection);
        }
        self.lanes.free.add_permits(1);
    }
}
