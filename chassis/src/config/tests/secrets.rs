use secrecy::SecretString;

use super::{TempFile, load, wrong};
use crate::config::{Loader, Mode, Problems, Raw, Sources, Value};

/// Random, and long enough.
const GOOD: &str = "pWq8Zt3vXo1LhB6yRn4Kd9JsAe7Mf2Uc";

fn refusal(secret: Option<&str>, mode: Mode) -> Option<String> {
    let mut problems = Problems::new();
    problems.secret("key", secret.map(SecretString::from).as_ref(), mode);
    assert!(problems.iter().count() <= 1);
    problems.iter().next().map(|problem| problem.message.clone())
}

#[test]
fn production_refuses_what_is_no_secret() {
    let refused = |secret: Option<&str>, why: &str| {
        let message = refusal(secret, Mode::Production).unwrap_or_default();
        assert!(message.starts_with(why), "{secret:?}: {message}");
        assert!(message.contains("32 random characters"), "{message}");
    };
    refused(None, "is not set");
    refused(Some(""), "is empty");
    refused(Some("   "), "is empty");
    refused(Some(&GOOD[1..]), "is too short");
    let placeholder = "looks like a placeholder";
    refused(Some("change-me-change-me-change-me-change-me"), placeholder);
    refused(Some("dev-4Kd9JsAe7Mf2UcpWq8Zt3vXo1LhB6yRn"), placeholder);
    refused(Some("your-4Kd9JsAe7Mf2UcpWq8Zt3vXo1LhB6yRn"), placeholder);
    refused(Some("My-Super-Secret-Key-For-This-Platform"), placeholder);
    refused(Some("P-a-s-s-w-o-r-d-4Kd9JsAe7Mf2UcpWq8Zt3"), placeholder);
    refused(Some("the default key of the example platform"), placeholder);
    refused(Some(&"x".repeat(40)), "repeats itself");
    refused(Some(&"f3Qz".repeat(10)), "repeats itself");
    refused(Some("0123456789abcdefghijklmnopqrstuvwxyz"), "is a sequence");
    refused(Some("98765432109876543210987654321098"), "repeats itself");
    refused(Some("zyxwvutsrqponmlkjihgfedcba9876543210"), "is a sequence");
}

#[test]
fn production_takes_random_secrets() {
    for secret in [
        GOOD,
        "9f86d081884c7d659a2feaa0c55ad015",
        "a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    ] {
        assert_eq!(refusal(Some(secret), Mode::Production), None, "{secret}");
    }
}

#[test]
fn development_refuses_only_an_empty_secret() {
    assert_eq!(refusal(None, Mode::Development), None);
    assert_eq!(refusal(Some("changeme"), Mode::Development), None);
    assert!(refusal(Some(""), Mode::Development).is_some());
}

#[test]
fn the_mode_of_the_root_section_decides() {
    assert!(load("mode = 'development'", &[]).1.is_ok());
    assert_eq!(
        wrong("mode = 'production'", &[]),
        [
            "auth.master_key (BOWLINE_AUTH__MASTER_KEY) is not set: production needs 32 random characters or more \
          (`openssl rand -base64 48` makes one)"
        ]
    );
    assert!(load("", &[("BOWLINE_MODE", "production"), ("BOWLINE_AUTH__MASTER_KEY", GOOD)]).1.is_ok());
}

#[test]
fn a_secret_has_no_way_out() {
    const SECRET: &str = "hunter2-hunter2";
    let url = format!("postgres://bowline:{SECRET}@db:5432/auth?sslpassword={SECRET}");
    let secret = TempFile::new("exit", SECRET.as_bytes());
    let toml = format!("[auth]\nmaster_key = '{SECRET}'\n[peers]\nauth = 'http://me:{SECRET}@auth:1/'\n");
    let good: [(&str, &str); 1] = [("DATABASE_URL", &url)];
    // Too short for production, of a wrong type, in an unknown place, in an unreadable file, and as a mask.
    let unknown = format!(
        "mode = 'production'\nkye = '{SECRET}'\n[auth]\nmaster_kye = ['{SECRET}']\n[x]\ny = '{SECRET}'"
    );
    let list = format!("[auth]\nmaster_key = ['{SECRET}']\ndatabase_url = {{ a = '{SECRET}' }}");
    let number = format!("[http]\nport = 'http://a:{SECRET}@b'");
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (&toml, &good),
        (&unknown, &[("BOWLINE_AUTH__MASTER_KEY", SECRET)]),
        (&unknown, &[("BOWLINE_AUTH__MASTER_KEY_FILE", secret.path()), ("BOWLINE_SECRET", SECRET)]),
        (&list, &[]),
        (&number, &[]),
        ("", &[("PORT", &url)]),
    ];
    for (toml, variables) in cases {
        let sources = Sources::from_parts(Some(toml), variables.iter().copied());
        assert!(!format!("{sources:?}").contains(SECRET));
        let (config, loaded) = load(toml, variables);
        let shown = match &loaded {
            Ok(loaded) => loaded.to_text(),
            Err(errors) => errors.to_string(),
        };
        // Peers are plain texts to their users, so only what is printed of them is masked.
        let all = format!("{shown} {loaded:?} {:?} {:?}", config.auth, config.http);
        assert!(!all.contains(SECRET), "{all}");
    }
    assert!(!format!("{:?}", Raw::Text(SECRET.to_owned())).contains(SECRET));
}

#[test]
fn of_a_secret_url_all_but_the_password_and_the_query_is_shown() {
    let render = |secret: &str| SecretString::from(secret).render();
    assert_eq!(render("postgres://bowline:pass@db/auth"), "\"postgres://bowline:***@db/auth\"");
    assert_eq!(render("postgres://bowline:p/a@s:s@db/auth?key=k"), "\"postgres://bowline:***@db/auth?***\"");
    assert_eq!(render("redis://:pass@cache:6379"), "\"redis://:***@cache:6379\"");
    assert_eq!(render("https://hooks.example/T0/B0/token"), "\"***\"");
    assert_eq!(render("plain"), "\"***\"");
    assert_eq!(render(""), "\"\"");
}

#[test]
fn a_printed_mask_is_not_taken_for_the_secret() {
    for mask in ["***", "postgres://bowline:***@db/auth"] {
        let told = wrong("", &[("DATABASE_URL", mask)]);
        assert!(told[0].contains("is the mask that `bowline config print` shows"), "{}", told[0]);
    }
}

#[test]
fn a_known_mode_needs_no_root_section() {
    let mut loader = Loader::new(Sources::from_parts(None, [("PORT", "1")]), Mode::Production);
    let _: super::AuthConfig = loader.section("auth");
    assert_eq!(loader.mode(), Mode::Production);
    assert_eq!(loader.finish().unwrap_err().errors.len(), 1);
}
