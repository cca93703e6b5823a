//! Which database engines the tests of this run can use.
//!
//! SQLite is always there. PostgreSQL is there when `BOWLINE_TEST_POSTGRES` holds the URL of a server on which tests may
//! create and drop databases; `cargo xtask test` starts a private one and sets it. On a developer's machine a missing
//! server skips the PostgreSQL half with a line saying so; with `CI=true` it fails, because a skipped test proves nothing.

/// The environment variable that holds the URL of the PostgreSQL server for tests.
pub const POSTGRES_VARIABLE: &str = "BOWLINE_TEST_POSTGRES";

/// The URL of a PostgreSQL server on which databases may be created and dropped, if there is one.
///
/// The URL names the maintenance database; [`with_database`] points it at another.
///
/// # Panics
/// With `CI=true` and no server: the run would pass without having tested PostgreSQL.
pub fn postgres_url() -> Option<String> {
    let found = choose(variable(POSTGRES_VARIABLE), variable("CI").as_deref() == Some("true"));
    if found.is_none() {
        eprintln!(
            "skipped on PostgreSQL: {POSTGRES_VARIABLE} is not set (`cargo xtask test` starts a server)"
        );
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

fn choose(url: Option<String>, ci: bool) -> Option<String> {
    let url = url.filter(|url| !url.is_empty());
    assert!(
        url.is_some() || !ci,
        "CI=true but {POSTGRES_VARIABLE} is not set: run the tests with `cargo xtask test`, which starts a private \
         PostgreSQL, or set it to the URL of a server on which databases may be created and dropped"
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
        assert_eq!(choose(None, false), None);
        assert_eq!(choose(Some(String::new()), false), None);
    }

    #[test]
    #[should_panic(expected = "cargo xtask test")]
    fn without_a_server_ci_fails() {
        choose(Some(String::new()), true);
    }
}
