use std::path::Path;

use super::{TempFile, load, wrong};
use crate::config::{Sources, nearest};

#[test]
fn all_errors_are_told_at_once() {
    let file =
        "prt = 1\n[http]\nport = 'abc'\nprot = 1\n[auth]\nlogins = 500\nshare = true\n[pears]\nx = 1\n";
    let variables =
        [("BOWLINE_HTTP__HOST", "localhost"), ("BOWLINE_HTTP__PROT", "1"), ("BOWLINE_PEERS__ATUH", "x")];
    let told = wrong(file, &variables);
    assert_eq!(
        told,
        [
            "http.port (PORT or BOWLINE_HTTP__PORT) must be a whole number from 0 to 65535, not `abc` (from \
             bowline.toml, line 3)",
            "http.host (BOWLINE_HTTP__HOST) must be an IP address such as `127.0.0.1` or `::`, not `localhost` (from \
             BOWLINE_HTTP__HOST)",
            "auth.share (BOWLINE_AUTH__SHARE) must be a number, not `true` (from bowline.toml, line 7)",
            "auth.logins (BOWLINE_AUTH__LOGINS) must be from 1 to 100, not 500 (from bowline.toml, line 6)",
            "unknown setting `http.prot` in bowline.toml, line 4; did you mean `http.port`?",
            "unknown section `[pears]` in bowline.toml, line 8; did you mean `[peers]`?",
            "unknown setting `prt` in bowline.toml, line 1",
            "unknown variable BOWLINE_HTTP__PROT; did you mean BOWLINE_HTTP__PORT?",
            "unknown variable BOWLINE_PEERS__ATUH; did you mean BOWLINE_PEERS__AUTH?",
        ]
    );
    let text = load(file, &variables).1.unwrap_err().to_string();
    assert!(text.starts_with("the configuration has 9 errors:\n  1. http.port (PORT"), "{text}");
    assert!(text.contains("\n  9. unknown variable"), "{text}");
    assert!(
        text.ends_with("`bowline config print` shows every setting; docs/config.md explains them"),
        "{text}"
    );
}

#[test]
fn a_setting_that_was_written_in_the_wrong_place_is_found() {
    let hint = |file: &str, variable: &str| {
        let variables = [(variable, "x")];
        let variables = if variable.is_empty() { &variables[1..] } else { &variables[..] };
        let told = wrong(file, variables);
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].split_once("; did you mean ").map(|(_, hint)| hint.to_owned()).unwrap_or_default()
    };
    assert_eq!(hint("port = 1", ""), "`http.port`?");
    assert_eq!(hint("[auth]\nport = 1", ""), "`http.port`?");
    assert_eq!(hint("[htpp]\nport = 1", ""), "`[http]`?");
    assert_eq!(hint("dta_dir = 'x'", ""), "`data_dir`?");
    assert_eq!(hint("", "BOWLINE_HTTP_PORT"), "BOWLINE_HTTP__PORT?");
    assert_eq!(hint("", "BOWLINE_HTPP__PORT"), "BOWLINE_HTTP__PORT?");
    assert_eq!(hint("", "BOWLINE_PORT"), "BOWLINE_HTTP__PORT?");
    assert_eq!(hint("", "BOWLINE_MOED"), "BOWLINE_MODE?");
    assert_eq!(hint("", "BOWLINE_AUTH__MASTERKEY_FILE"), "BOWLINE_AUTH__MASTER_KEY_FILE?");
    assert_eq!(hint("", "BOWLINE_NOTHING_LIKE_IT"), "");
}

#[test]
fn variables_of_others_and_of_the_tests_are_left_alone() {
    assert!(load("", &[("HOME", "/root"), ("BOWLINE_TEST_POSTGRES", "x"), ("PORTS", "1")]).1.is_ok());
}

#[test]
fn a_table_in_place_of_a_value_and_a_value_in_place_of_a_section_are_errors() {
    assert_eq!(
        wrong("[http.port]\nnumber = 1", &[]),
        ["http.port (PORT or BOWLINE_HTTP__PORT) must be a whole number from 0 to 65535, not a table (from \
          bowline.toml, line 1)"]
    );
    let section = "`http` in bowline.toml, line 2 is a section: write `[http]` and its settings below";
    assert_eq!(wrong("\nhttp = 1", &[]), [section]);
    assert_eq!(wrong("\n[[http]]\nport = 1", &[]), [section]);
    assert_eq!(wrong("[http]\nlog = 5", &[]).len(), 1);
    assert_eq!(wrong("[http]\nlog = 2026-01-01", &[]).len(), 1);
}

#[test]
fn a_value_out_of_the_range_of_its_type_is_an_error() {
    for port in ["65536", "-1", "''", "1.5", "[1]", "99999999999999999999999999999999999999999999"] {
        assert_eq!(wrong(&format!("[http]\nport = {port}"), &[]).len(), 1, "{port}");
    }
    for share in ["nan", "inf", "'much'", "1e999"] {
        assert_eq!(wrong(&format!("[auth]\nshare = {share}"), &[]).len(), 1, "{share}");
    }
}

#[test]
fn a_wrong_item_of_a_list_is_told_by_its_place() {
    let told = wrong("", &[("BOWLINE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.0/99")]);
    assert!(told[0].contains("has a wrong item 2, which must be a network such as"), "{}", told[0]);
    let told = wrong("", &[("ALLOWED_ORIGINS", "https://a.example,,")]);
    assert!(told[0].contains("has nothing as item 2"), "{}", told[0]);
}

#[test]
fn a_wrong_choice_is_told_with_the_choices_and_the_nearest() {
    assert_eq!(
        wrong("", &[("BOWLINE_HTTP__FORMAT", "jsno")]),
        [
            "http.format (BOWLINE_HTTP__FORMAT) must be one of `pretty`, `json` (did you mean `json`?), not `jsno` (from \
          BOWLINE_HTTP__FORMAT)"
        ]
    );
    assert!(wrong("", &[("BOWLINE_MODE", "prod")])[0].contains("did you mean `production`?"));
}

#[test]
fn what_a_section_demands_is_told_with_the_source_of_the_value() {
    assert_eq!(
        wrong("", &[("PORT", "1")]),
        ["http.port (PORT or BOWLINE_HTTP__PORT) must be 0 or above 1 (from PORT)"]
    );
}

#[test]
fn nothing_is_demanded_of_the_default_that_stands_in_for_an_unreadable_value() {
    let told = wrong("mode = 'production'\n[auth]\nmaster_key = 5", &[]);
    let variable = "auth.master_key (BOWLINE_AUTH__MASTER_KEY)";
    assert_eq!(told, [format!("{variable} must be a text in quotes (from bowline.toml, line 3)")]);
}

#[test]
fn a_syntax_error_is_one_error_with_its_line_and_without_the_text() {
    let text = "[auth]\nlogins = 5\nmaster_key = correct-horse-battery\n";
    let told = wrong(text, &[]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("bowline.toml, line 3 is not TOML: "), "{}", told[0]);
    assert!(!told[0].contains("correct-horse"), "{}", told[0]);

    let file = TempFile::new("broken.toml", text.as_bytes());
    let errors = Sources::read(Some(Path::new(file.path()))).unwrap_err();
    assert_eq!(errors.errors.len(), 1);
    assert!(errors.to_string().contains("line 3 is not TOML"), "{errors}");
}

#[test]
fn a_hostile_value_cannot_forge_lines_of_the_error() {
    let told = wrong("", &[("PORT", "1\n  2. all is well")]);
    assert!(!told[0].contains('\n'), "{}", told[0]);
    let told = wrong("\"a\\nb\" = 1", &[]);
    assert!(!told[0].contains('\n'), "{}", told[0]);
    let told = wrong("", &[("PORT", &"9".repeat(10_000))]);
    assert!(told[0].len() < 300);
}

#[test]
fn the_nearest_name_is_near() {
    let names = ["orders", "payments", "auth", "catalog"];
    assert_eq!(nearest("order", names), Some("orders"));
    assert_eq!(nearest("Paymnets", names), Some("payments"));
    assert_eq!(nearest("auht", names), Some("auth"));
    assert_eq!(nearest("cat", names), Some("catalog"));
    assert_eq!(nearest("reviews", names), None);
    assert_eq!(nearest("", names), None);
}
