//! Opening a PostgreSQL database: waiting for the server, creating the database when it is missing.
//!
//! The time limits travel as startup options. PgBouncer refuses those unless it is told to
//! (`ignore_startup_parameters = options`); then set the limits on the role.

use super::guard::Guard;
use super::{About, DatabaseConfig, Db, STATEMENTS, is_unavailable};
use anyhow::{Context, anyhow};
use backon::{ExponentialBuilder, Retryable};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection that lay unused for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(15);
/// A transaction that nobody goes on with is ended by the server, and its locks with it.
const IDLE_IN_TRANSACTION: &str = "60s";

/// For what may take its time: migrations and the creation of a database. The last option of a name counts.
pub(super) const NO_STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "0");

/// One in so many of a server's connections is left to others: to commands, and to whoever looks what is wrong.
const LEFT_TO_OTHERS: u32 = 10;
/// Connections that a pool may have in any case: with fewer, work waits for work that waits for it.
const LEAST: u32 = 2;

pub(super) async fn open(
    databases: u32,
    config: &DatabaseConfig,
    service: &str,
    url: &str,
) -> anyhow::Result<Db> {
    let options = options(config, service, url)?;
    let place = describe(&options);
    let usable = wait_for(config, &options, &place).await.with_context(|| format!("cannot open {place}"))?;
    let pool_size = pool_size(config, databases, usable, &place);
    let pool = PgPoolOptions::new()
        .max_connections(pool_size)
        .acquire_timeout(config.acquire_timeout())
        .idle_timeout(config.idle_timeout())
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    let guard = Guard::new(config, service);
    Ok(Db::Postgres { pool, about: Arc::new(About::new(service, place, Some(guard))) })
}

fn options(config: &DatabaseConfig, service: &str, url: &str) -> anyhow::Result<PgConnectOptions> {
    // The parser's error does not repeat the URL, which may hold a password.
    let mut options = PgConnectOptions::from_str(url).context("the database URL cannot be read")?;
    if options.get_database().is_none() {
        options = options.database(service);
    }
    Ok(options
        .application_name(service)
        .statement_cache_capacity(STATEMENTS)
        .options([
            ("statement_timeout", format!("{}ms", config.statement_timeout_ms).as_str()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
        ])
        .log_statements("trace".parse()?)
        .log_slow_statements("warn".parse()?, config.slow_statement()))
}

fn describe(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_default();
    match (options.get_socket(), options.get_port()) {
        (Some(socket), _) => format!("PostgreSQL {}/{database}", socket.display()),
        (None, 5432) => format!("PostgreSQL {}/{database}", options.get_host()),
        (None, port) => format!("PostgreSQL {}:{port}/{database}", options.get_host()),
    }
}

/// Returns once the server has answered, with the number of its [`usable`] connections; tries until the boot timeout as
/// long as trying again can help.
async fn wait_for(
    config: &DatabaseConfig,
    options: &PgConnectOptions,
    place: &str,
) -> anyhow::Result<Option<u32>> {
    let began = Instant::now();
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(3))
        .without_max_times()
        .with_jitter();
    let attempt = || async { usable(config, connect_or_create(config, options).await?).await };
    attempt
        .retry(pauses)
        .when(|error| may_pass(error) && began.elapsed() < config.boot_timeout())
        .notify(|error, pause| {
            tracing::warn!(database = place, error = format!("{error:#}"), retry_in = ?pause, "database is not there yet");
        })
        .await
}

/// How many connections the server has for others than its superuser. None when it does not tell: what speaks like
/// PostgreSQL and knows no such settings has its own way to bound them.
async fn usable(config: &DatabaseConfig, mut first: PgConnection) -> anyhow::Result<Option<u32>> {
    const USABLE: &str = "SELECT CAST(current_setting('max_connections') AS INT) \
        - CAST(current_setting('superuser_reserved_connections') AS INT) \
        - CAST(coalesce(current_setting('reserved_connections', true), '0') AS INT)";
    let asked = async {
        let usable = sqlx::query_scalar::<_, i32>(USABLE).fetch_one(&mut first).await;
        if let Err(error) = first.close().await {
            tracing::debug!(%error, "the first connection was not closed in order");
        }
        usable.ok().map(|usable| u32::try_from(usable).unwrap_or_default())
    };
    tokio::time::timeout(config.connect_timeout(), asked).await.context("no answer in time")
}

/// The connections that a pool may have: fewer than configured where the server has not so many for all of them.
fn pool_size(config: &DatabaseConfig, databases: u32, usable: Option<u32>, place: &str) -> u32 {
    let Some(usable) = usable else { return config.pool_size };
    let share = ((usable - usable / LEFT_TO_OTHERS) / databases.max(1)).max(LEAST);
    if share >= config.pool_size {
        return config.pool_size;
    }
    let wanted = config.pool_size;
    tracing::info!(
        database = place,
        usable,
        databases,
        wanted,
        taken = share,
        "the server has not so many connections for all databases of this process; more need a higher max_connections"
    );
    share
}

/// Whether it is worth trying again.
fn may_pass(error: &anyhow::Error) -> bool {
    const SOURCE_DATABASE_IN_USE: &str = "55006";
    error.downcast_ref::<tokio::time::error::Elapsed>().is_some()
        || error.downcast_ref::<sqlx::Error>().is_some_and(is_unavailable)
        || error.downcast_ref::<sqlx::Error>().is_some_and(|error| has_code(error, SOURCE_DATABASE_IN_USE))
}

fn has_code(error: &sqlx::Error, wanted: &str) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == wanted)
}

const NO_SUCH_DATABASE: &str = "3D000";

async fn connect_or_create(
    config: &DatabaseConfig,
    options: &PgConnectOptions,
) -> anyhow::Result<PgConnection> {
    match connect(config, options).await {
        Err(error) if is_missing(&error) && config.create => create(config, options).await?,
        Err(error) if is_missing(&error) => return Err(error.context(create_it_by_hand(options))),
        done => return done,
    }
    connect(config, options).await
}

async fn connect(config: &DatabaseConfig, options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connected = tokio::time::timeout(config.connect_timeout(), options.connect()).await;
    Ok(connected.context("no answer in time")??)
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<sqlx::Error>().is_some_and(|error| has_code(error, NO_SUCH_DATABASE))
}

/// Creates the database through one that is always there. Another process may do so at the same moment.
async fn create(config: &DatabaseConfig, options: &PgConnectOptions) -> anyhow::Result<()> {
    const NOT_ALLOWED: &str = "42501";
    const EXISTS_ALREADY: [&str; 2] = ["42P04", "23505"];
    let patient = options.clone().options([NO_STATEMENT_TIMEOUT]);
    let mut maintenance = match connect(config, &patient.clone().database("postgres")).await {
        Err(error) if is_missing(&error) => connect(config, &patient.database("template1")).await?,
        done => done?,
    };
    let statement = format!("CREATE DATABASE {}", quoted(options.get_database().unwrap_or_default()));
    let created = maintenance.execute(AssertSqlSafe(statement)).await;
    maintenance.close().await?;
    match created {
        Ok(_) => Ok(()),
        Err(error) if EXISTS_ALREADY.iter().any(|code| has_code(&error, code)) => Ok(()),
        Err(error) if has_code(&error, NOT_ALLOWED) => {
            Err(anyhow!(error).context(create_it_by_hand(options)))
        }
        Err(error) => Err(error.into()),
    }
}

fn create_it_by_hand(options: &PgConnectOptions) -> String {
    let (database, role) = (options.get_database().unwrap_or_default(), options.get_username());
    format!(
        "the database is missing and was not created; as an administrator run: CREATE DATABASE {} OWNER {};",
        quoted(database),
        quoted(role)
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_without_credentials() {
        let options = PgConnectOptions::from_str("postgres://bowline:hunter2@db.internal:6432/auth").unwrap();
        assert_eq!(describe(&options), "PostgreSQL db.internal:6432/auth");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
