//! What is read at start.

use super::{TOKEN, VALUE, load};
use crate::house::Things;
use chassis::config::Sources;
use chassis::run::Platform;
use chassis::service::Registration;
use secrecy::ExposeSecret;
use std::time::{Duration, Instant};
use testkit::{FakeVault, Folder, Mood};

const KEY: (&str, &str) = ("BOWLINE_IDENTITY__SERVICE_KEY", "vault:secret/bowline/keys#service_key");
const SMTP: (&str, &str) = ("SMTP_URL", "vault:secret/bowline/keys#smtp");
const OPS: (&str, &str) = ("BOWLINE_OPS__TOKEN", "vault:secret/bowline/ops#token");

fn vault() -> FakeVault {
    let vault = FakeVault::start(TOKEN, None);
    vault.put("secret/bowline/keys", "service_key", VALUE);
    vault.put("secret/bowline/keys", "smtp", "smtp://mail:pass-word-1@mail.example.org");
    vault
}

#[test]
fn a_reference_stands_for_its_secret_and_each_path_is_asked_for_once() {
    let vault = vault();
    let platform = load(&vault, &[KEY, SMTP]).unwrap();
    assert_eq!(platform.identity.service_key.unwrap().expose_secret(), VALUE);
    assert!(platform.mail.smtp_url.unwrap().expose_secret().contains("pass-word-1"));
    assert_eq!(vault.asked(), ["/v1/secret/data/bowline/keys"]);
}

#[test]
fn a_reference_may_stand_in_the_settings_file_and_in_a_secret_file() {
    let (vault, folder) = (vault(), Folder::new("vault").unwrap());
    let (key, token) = (folder.path().join("key"), folder.path().join("token"));
    std::fs::write(&key, format!("{}\n", KEY.1)).unwrap();
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let toml = format!("[vault]\naddress = \"{}\"\n[mail]\nsmtp_url = \"{}\"\n", vault.url(), SMTP.1);
    let variables = [
        ("BOWLINE_IDENTITY__SERVICE_KEY_FILE", key.to_str().unwrap()),
        ("VAULT_TOKEN_FILE", token.to_str().unwrap()),
    ];
    let sources = Sources::from_parts(Some(&toml), variables);
    let platform = Platform::load(&[Registration::of::<Things>()], sources).unwrap();
    assert_eq!(platform.identity.service_key.unwrap().expose_secret(), VALUE);
    assert!(platform.mail.smtp_url.is_some());
}

#[test]
fn the_namespace_is_sent() {
    let vault = FakeVault::start(TOKEN, Some("team-a"));
    vault.put("secret/bowline/keys", "service_key", VALUE);
    assert!(load(&vault, &[KEY, ("VAULT_NAMESPACE", "team-a")]).is_ok());
    assert!(load(&vault, &[KEY, ("VAULT_NAMESPACE", "team-b")]).is_err());
    assert!(load(&vault, &[KEY]).is_err());
}

#[test]
fn what_was_read_is_judged_as_if_it_had_been_written_there() {
    let vault = vault();
    vault.put("secret/bowline/keys", "service_key", "changeme");
    let errors = load(&vault, &[KEY, ("BOWLINE_MODE", "production")]).unwrap_err().to_string();
    let line = errors.lines().find(|line| line.contains("identity.service_key (")).unwrap();
    assert!(line.contains("too short") && line.contains(KEY.1) && line.contains(KEY.0), "{line}");
    assert!(!errors.contains("changeme"), "{errors}");
}

#[test]
fn neither_a_secret_nor_the_token_is_in_printed_settings_or_in_debug() {
    let vault = vault();
    let platform = load(&vault, &[KEY, SMTP]).unwrap();
    let printed = platform.loaded.to_text();
    assert!(
        printed.contains("# vault:secret/bowline/keys#service_key, from BOWLINE_IDENTITY__SERVICE_KEY"),
        "{printed}"
    );
    for text in [printed, format!("{platform:?}")] {
        for secret in [VALUE, TOKEN, "pass-word-1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn every_way_in_which_vault_fails_is_told_with_setting_and_path_and_without_secrets() {
    let lie =
        |body: &str| Mood::Lying(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    let moved =
        format!("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/{VALUE}\r\ncontent-length: 0\r\n\r\n");
    let failures = [
        (Mood::Closing, "ended the connection"),
        (Mood::Hanging, "did not answer within 200 ms"),
        (Mood::Lying(format!("{VALUE} {TOKEN}\r\n\r\n")), "did not speak HTTP"),
        (
            Mood::Lying("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"data\"".to_owned()),
            "did not answer within 200 ms",
        ),
        (Mood::Lying("HTTP/1.1 503 Sealed\r\ncontent-length: 0\r\n\r\n".to_owned()), "sealed"),
        (Mood::Lying(moved), "points elsewhere"),
        (lie(&format!("{{\"data\": \"{VALUE}\"}}")), "not one of KV version 2"),
        (lie(&format!("{{\"data\": {{\"service_key\": \"{VALUE}\"}}}}")), "not one of KV version 2"),
        (lie(&format!("\"{VALUE}")), "not one of KV version 2"),
        (lie("{\"data\":{\"data\":{\"service_key\":17},\"metadata\":{}}}"), "is no text"),
        (
            lie(&format!("{{\"data\":{{\"data\":{{\"other\":\"{VALUE}\"}},\"metadata\":{{}}}}}}")),
            "no such field",
        ),
        (lie(&"x".repeat(3 * 1024 * 1024)), "too long"),
    ];
    for (mood, told) in failures {
        let vault = vault();
        vault.be(mood.clone());
        let errors = load(&vault, &[KEY, ("BOWLINE_VAULT__TIMEOUT_MS", "200")]).unwrap_err().to_string();
        for part in [told, "identity.service_key", KEY.0, KEY.1] {
            assert!(errors.contains(part), "{mood:?}: {part} is missing in {errors}");
        }
        assert!(!errors.contains(VALUE) && !errors.contains(TOKEN), "{errors}");
    }
    for (variables, told) in [
        (vec![OPS], "nothing at this path"),
        (vec![KEY, ("BOWLINE_VAULT__TOKEN", "hvs.other")], "refuses the token"),
        (vec![KEY, ("BOWLINE_VAULT__TOKEN", KEY.1)], "cannot itself stand in a store"),
        (vec![KEY, ("BOWLINE_VAULT__ADDRESS", "")], "vault.address (VAULT_ADDR) is not set"),
        (vec![KEY, ("BOWLINE_VAULT__ADDRESS", "http://127.0.0.1:1")], "cannot be reached"),
        (vec![("SMTP_URL", "vault:secret")], "vault:<mount>/<path>#<field>"),
    ] {
        let errors = load(&vault(), &variables).unwrap_err().to_string();
        assert!(errors.contains(told), "{told} is missing in {errors}");
        assert!(!errors.contains("hvs."), "{errors}");
    }
}

#[test]
fn production_sends_nothing_without_tls_to_another_machine() {
    let vault = vault();
    let elsewhere =
        [KEY, ("BOWLINE_MODE", "production"), ("BOWLINE_VAULT__ADDRESS", "http://vault.test:8200")];
    let errors = load(&vault, &elsewhere).unwrap_err().to_string();
    assert!(errors.contains("vault.address") && errors.contains("https://"), "{errors}");
}

#[test]
fn a_vault_that_hangs_is_asked_once_however_many_secrets_there_are() {
    let vault = vault();
    vault.be(Mood::Hanging);
    let began = Instant::now();
    let errors = load(&vault, &[KEY, OPS, ("BOWLINE_VAULT__TIMEOUT_MS", "300")]).unwrap_err();
    assert_eq!(errors.errors.len(), 2, "{errors}");
    assert_eq!(vault.asked().len(), 1);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn settings_can_be_loaded_inside_a_runtime() {
    assert!(load(&vault(), &[KEY]).is_ok());
}
