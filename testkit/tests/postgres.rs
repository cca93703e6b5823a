//! The private PostgreSQL server keeps its promises.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::process::Command;
use testkit::servers::Postgres;

fn psql(server: &Postgres, sql: &str) -> Result<String, String> {
    let program = Postgres::installed().expect("PostgreSQL is installed").join("psql");
    let output = Command::new(program)
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--dbname", &server.url("postgres")])
        .args(["--command", sql])
        .output()
        .expect("psql runs");
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn it_restarts_survives_a_kill_and_leaves_nothing_behind() {
    if testkit::engines::postgres_url().is_none() {
        return;
    }
    let mut server = Postgres::start().unwrap();
    let folder = server.socket_folder().to_owned();
    assert_eq!(psql(&server, "SHOW listen_addresses").unwrap(), "127.0.0.1");
    assert_eq!(psql(&server, "SHOW fsync").unwrap(), "off");
    psql(&server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").unwrap();

    server.restart().unwrap();
    assert_eq!(psql(&server, "SELECT n FROM kept").unwrap(), "7");

    server.kill().unwrap();
    assert!(psql(&server, "SELECT 1").is_err(), "a killed server answers");
    server.restart().unwrap();
    assert_eq!(psql(&server, "SELECT n FROM kept").unwrap(), "7");

    server.stop().unwrap();
    assert!(psql(&server, "SELECT 1").is_err(), "a stopped server answers");
    drop(server);
    assert!(!folder.exists(), "{} was left behind", folder.display());
}

#[test]
fn two_servers_run_side_by_side_and_a_durable_one_syncs() {
    if testkit::engines::postgres_url().is_none() {
        return;
    }
    let one = Postgres::start().unwrap();
    let two = Postgres::start_durable().unwrap();
    assert_ne!(one.port(), two.port());
    assert_eq!(psql(&two, "SHOW fsync").unwrap(), "on");
    psql(&one, "CREATE TABLE only_here (n int)").unwrap();
    assert!(psql(&two, "SELECT * FROM only_here").is_err());
}
