//! What a person types, and what it says.

use crate::support::bowline;
use serde_json::Value;
use testkit::Folder;

fn out(arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String, String) {
    let output = bowline(arguments, settings, "");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_error_of_the_settings_is_told_at_once() {
    let (success, _, stderr) = out(
        &["config", "check"],
        &[("PORT", "http"), ("BOWLINE_HTTP__BODY_LIMITT", "1"), ("BOWLINE_IDENTITY__LEEWAY_SECS", "9999")],
    );
    assert!(!success);
    for part in [
        "http.port",
        "PORT",
        "BOWLINE_HTTP__BODY_LIMITT",
        "did you mean BOWLINE_HTTP__BODY_LIMIT",
        "identity.leeway_secs",
    ] {
        assert!(stderr.contains(part), "{part} is missing in:\n{stderr}");
    }
}

#[test]
fn production_refuses_to_start_without_its_secrets() {
    let (success, _, stderr) = out(&["run"], &[("BOWLINE_MODE", "production")]);
    assert!(!success);
    for part in ["identity.service_key", "auth.master_key"] {
        assert!(stderr.contains(part), "{part} is missing in:\n{stderr}");
    }
}

#[test]
fn settings_are_printed_with_their_source_and_without_their_secrets() {
    let key = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";
    let (success, stdout, _) =
        out(&["config", "print"], &[("PORT", "8123"), ("BOWLINE_IDENTITY__SERVICE_KEY", key)]);
    assert!(success);
    assert!(stdout.contains("port = 8123") && stdout.contains("***"), "{stdout}");
    assert!(!stdout.contains(key), "{stdout}");
    assert!(toml::from_str::<toml::Table>(&stdout).is_ok(), "{stdout}");
}

#[test]
fn a_misspelt_target_is_named_with_the_nearest_one() {
    let (success, _, stderr) = out(&["run", "--target", "gatway"], &[]);
    assert!(!success);
    assert!(stderr.contains("did you mean `gateway`?"), "{stderr}");
}

#[test]
fn a_target_that_needs_an_absent_peer_says_what_to_set() {
    let folder = Folder::new("needs").unwrap();
    let data = folder.path().to_str().unwrap();
    let (success, _, stderr) = out(&["run", "--target", "gateway"], &[("DATA_DIR", data)]);
    assert!(!success);
    assert!(stderr.contains("peers.auth (BOWLINE_PEERS__AUTH)"), "{stderr}");
}

#[test]
fn targets_are_listed_with_what_they_need() {
    let (success, stdout, _) = out(&["targets"], &[]);
    assert!(success);
    assert!(stdout.contains("auth") && stdout.contains("(needs auth)"), "{stdout}");
}

#[test]
fn migrate_makes_the_databases_and_ends() {
    let folder = Folder::new("migrate").unwrap();
    let data = folder.path().join("data");
    let settings = [("DATA_DIR", data.to_str().unwrap())];
    assert!(out(&["migrate"], &settings).0);
    assert!(data.join("auth.db").exists());
    assert!(out(&["migrate"], &settings).0, "a second time changes nothing");
}

#[test]
fn the_openapi_document_describes_every_service() {
    let (success, stdout, _) = out(&["openapi"], &[]);
    assert!(success);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert!(document["paths"]["/api/v1/auth/login"]["post"].is_object());
}

#[test]
fn help_has_examples() {
    let (success, stdout, _) = out(&["--help"], &[]);
    assert!(success && stdout.contains("Examples:"), "{stdout}");
}

#[test]
fn dead_letters_are_looked_at_by_service_and_nothing_is_replayed_without_a_reason() {
    let folder = Folder::new("events").unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap())];
    let (success, stdout, _) = out(&["events", "causes", "--service", "auth"], &settings);
    assert!(success && stdout.contains("no dead letters"), "{stdout}");
    let (success, _, stderr) = out(&["events", "list", "--service", "autj"], &settings);
    assert!(!success && stderr.contains("did you mean `auth`?"), "{stderr}");
    let (success, _, stderr) = out(&["events", "replay", "--service", "auth", "17"], &settings);
    assert!(!success && stderr.contains("--reason"), "{stderr}");
    let why = ["--by", "ann", "--reason", "a test"];
    let one = [["events", "replay", "--service", "auth", "17"].as_slice(), why.as_slice()].concat();
    let (success, _, stderr) = out(&one, &settings);
    assert!(!success && stderr.contains("no dead letter 17"), "{stderr}");
    let all = [["events", "replay", "--service", "auth"].as_slice(), why.as_slice()].concat();
    let (success, _, stderr) = out(&all, &settings);
    assert!(!success && stderr.contains("--cause"), "{stderr}");
}

#[test]
fn jobs_are_looked_at_by_service_and_nothing_is_done_to_them_without_a_reason() {
    let folder = Folder::new("jobs").unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap())];
    let list = ["jobs", "list", "--service", "auth"];
    let (success, stdout, _) = out(&list, &settings);
    assert!(success && stdout.contains("no such job"), "{stdout}");
    let id = "0199aaaa-0000-7000-8000-000000000000";
    let (success, _, stderr) = out(&["jobs", "show", "--service", "auth", id], &settings);
    assert!(!success && stderr.contains("there is no job"), "{stderr}");
    for (deed, what) in [("run", "sweep"), ("retry", id), ("discard", id)] {
        let (success, _, stderr) = out(&["jobs", deed, "--service", "auth", what, "--by", "ann"], &settings);
        assert!(!success && stderr.contains("--reason"), "{deed}: {stderr}");
        let why = ["--by", "ann", "--reason", "a test"];
        let done = [["jobs", deed, "--service", "auth", what].as_slice(), why.as_slice()].concat();
        let (success, _, stderr) = out(&done, &settings);
        assert!(!success && stderr.contains("there is no job"), "{deed}: {stderr}");
    }
}

#[test]
fn read_models_are_looked_at_by_service_and_nothing_is_rebuilt_without_a_reason() {
    let folder = Folder::new("projections").unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap())];
    let (success, stdout, _) = out(&["projections", "list", "--service", "orders"], &settings);
    assert!(success && stdout.contains("no read model"), "{stdout}");
    let rebuild = ["projections", "rebuild", "--service", "orders", "order-list", "--by", "ann"];
    let (success, _, stderr) = out(&rebuild, &settings);
    assert!(!success && stderr.contains("--reason"), "{stderr}");
    let (success, _, stderr) = out(&[rebuild.as_slice(), &["--reason", "a test"]].concat(), &settings);
    assert!(!success && stderr.contains("no read model order-list"), "{stderr}");
}

#[test]
fn sagas_are_looked_at_by_service_and_nothing_is_decided_without_a_reason() {
    let folder = Folder::new("saga").unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap())];
    let (success, stdout, _) = out(&["saga", "list", "--service", "auth"], &settings);
    assert!(success && stdout.contains("no such saga"), "{stdout}");
    let id = "0199aaaa-0000-7000-8000-000000000000";
    let (success, _, stderr) = out(&["saga", "show", "--service", "auth", id], &settings);
    assert!(!success && stderr.contains("there is no saga"), "{stderr}");
    for deed in ["retry", "skip", "compensate", "edit"] {
        let (success, _, stderr) = out(&["saga", deed, "--service", "auth", id, "--by", "ann"], &settings);
        assert!(!success && stderr.contains("--reason"), "{deed}: {stderr}");
    }
    let why = ["--by", "ann", "--reason", "a test"];
    let retry = [["saga", "retry", "--service", "auth", id].as_slice(), why.as_slice()].concat();
    let (success, _, stderr) = out(&retry, &settings);
    assert!(!success && stderr.contains(id), "{stderr}");
}
