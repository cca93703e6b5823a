//! Which database engines the tests of this run can use.
//!
//! SQLite is always there. PostgreSQL is there when `BOWLINE_TEST_POSTGRES` holds the URL of a server on which tests may
//! create and drop databases; `cargo xtask test` starts a private one and sets it. On a developer's machine a missing
//! server skips the PostgreSQL half with a line saying so; with `CI=true` it fails, because a skipped test proves nothing.
//! Redis and `BOWLINE_TEST_REDIS`, a Redis Cluster and `BOWLINE_TEST_REDIS_CLUSTER`, NATS and `BOWLINE_TEST_NATS`
//! likewise.

/// The environment variable that holds the URL of the PostgreSQL server for tests.
pub const POSTGRES_VARIABLE: &str = "BOWLINE_TEST_POSTGRES";

/// The environment variable that holds the URL of the Redis server for tests.
pub const REDIS_VARIABLE: &str = "BOWLINE_TEST_REDIS";

/// The environment variable that holds the URL of the Redis Cluster for tests.
pub const REDIS_CLUSTER_VARIABLE: &str = "BOWLINE_TEST_REDIS_CLUSTER";

/// The environment variable that holds the URL of the NATS server for tests.
pub const NATS_VARIABLE: &str = "BOWLINE_TEST_NATS";

/// Whether this is a run in which nothing may be skipped.
pub fn is_ci() -> bool {
    variable("CI").as_deref() == Some("true")
}

/// The URL of a Redis server that tests share, each with names of its own, if there is one.
///
/// # Panics
/// With `CI=true` and no server: the run would pass without having tested Redis.
pub fn redis_url() -> Option<String> {
    found("Redis", REDIS_VARIABLE)
}

/// The URL of a Redis Cluster that tests share, each with names of its own, if there is one.
///
/// # Panics
/// With `CI=true` and no cluster: the run would pass without having tested it.
pub fn redis_cluster_url() -> Option<String> {
    found("Redis Cluster", REDIS_CLUSTER_VARIABLE)
}

/// The URL of a NATS server with JetStream that tests share, each with a prefix of its own, if there is one.
///
/// # Panics
/// With `CI=true` and no server: the run would pass without having tested NATS.
pub fn nats_url() -> Option<String> {
    found("NATS", NATS_VARIABLE)
}

/// The URL of a PostgreSQL server on which databases may be created and dropped, if there is one.
///
/// The URL names the maintenance database; [`with_database`] points it at another.
///
/// # Panics
/// With `CI=true` and no server: the run would pass without having tested PostgreSQL.
pub fn postgres_url() -> Option<String> {
    found("PostgreSQL", POSTGRES_VARIABLE)
}

fn found(engine: &str, name: &str) -> Option<String> {
    let found = choose(name, variable(name), is_ci());
    if found.is_none() {
        eprintln!("skipped on {engine}: {name} is not set (`cargo xtask test` starts a server)");
    }
    found
}

/// The same server, another database: replaces what stands between the authority and the query of the URL.
pub fn with_database(url: &str, database: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
    let query = url.find('?').map_or("", |at| &url[at..]);
    format!("{}/{database}{query}", &url[..end])
}

fn choose(name: &str, url: Option<String>, ci: bool) -> Option<String> {
    let url = url.filter(|url| !url.is_empty());
    assert!(
        url.is_some() || !ci,
        "CI=true but {name} is not set: run the tests with `cargo xtask test`, which starts private servers, or set \
         it to the URL of a server that tests may fill and empty"
    );
    url
}

#[expect(
    clippy::disallowed_methods,
    reason = "tells the test run what it may use; not a setting of the platform"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_on_the_same_server() {
        assert_eq!(with_database("postgres://u:p@h:1/postgres", "a"), "postgres://u:p@h:1/a");
        assert_eq!(with_database("postgres://u@h:1", "a"), "postgres://u@h:1/a");
        assert_eq!(
            with_database("postgres://u@h:1/x?sslmode=disable", "a"),
            "postgres://u@h:1/a?sslmode=disable"
        );
        assert_eq!(with_database("postgres://u@h?sslmode=disable", "a"), "postgres://u@h/a?sslmode=disable");
    }

    #[test]
    fn without_a_server_a_developer_skips() {
        assert_eq!(choose("X", None, false), None);
        assert_eq!(choose("X", Some(String::new()), false), None);
    }

    #[test]
    #[should_panic(expected = "cargo xtask test")]
    fn without_a_server_ci_fails() {
        choose("X", Some(String::new()), true);
    }
}
