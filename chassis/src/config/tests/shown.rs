use super::{HttpConfig, Loader, Sources, good, load};
use crate::config::{Mode, SectionDoc, Settings, reference};

#[test]
fn a_printed_configuration_can_be_read_again() {
    let variables = [
        ("PORT", "1000"),
        ("DATA_DIR", "C:\\data \"x\""),
        ("ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ("BOWLINE_HTTP__LOG", "two\nlines # no comment"),
        ("BOWLINE_PEERS__AUTH", "http://auth:8080"),
    ];
    let text = load("", &variables).1.unwrap().to_text();
    let (before, after) = (good("", &variables), good(&text, &[]));
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
}

#[test]
fn the_printed_configuration_tells_values_and_sources() {
    let text = load("[auth]\nmaster_key = 'x'\nlogins = 7", &[("PORT", "1000")]).1.unwrap().to_text();
    assert_eq!(
        text,
        r#"mode = "development"  # default
data_dir = "./data"  # default

[http]
port = 1000  # from PORT
host = "127.0.0.1"  # default
allowed_origins = []  # default
trusted_proxies = []  # default
format = "pretty"  # default
log = ""  # default
log_file = ""  # default

[auth]
master_key = "***"  # from bowline.toml, line 2
database_url = ""  # default
share = 0.5  # default
logins = 7  # from bowline.toml, line 3

[peers]
auth = ""  # default
catalog = ""  # default
"#
    );
}

#[test]
fn the_root_is_printed_first_because_toml_demands_it() {
    let mut loader = Loader::new(Sources::from_parts::<&str, &str>(None, []), Mode::Development);
    let _: HttpConfig = loader.section("http");
    let _: super::RootConfig = loader.section("");
    assert!(loader.finish().unwrap().to_text().starts_with("mode = \"development\""));
}

#[test]
fn settings_describe_themselves() {
    assert_eq!(HttpConfig::title(), "The public listener");
    let fields = HttpConfig::fields();
    let port = &fields[0];
    assert_eq!(
        (port.name.as_str(), port.kind.as_str(), port.default.as_str(), port.familiar, port.secret),
        ("port", "whole number up to 65535", "8080", Some("PORT"), false)
    );
    assert_eq!(port.doc, "Port of the public listener; 0 takes a free one.");
    assert_eq!(super::AuthConfig::fields().iter().filter(|field| field.secret).count(), 2);
}

#[test]
fn the_reference_has_a_table_for_each_section_that_was_loaded() {
    let mut loader = Loader::new(Sources::from_parts::<&str, &str>(None, []), Mode::Development);
    let _: HttpConfig = loader.section("http");
    loader.map("peers", "Addresses of other services.", &["auth"]);
    let text = reference(loader.sections());
    assert!(text.starts_with("# Configuration\n"));
    let expected = "
## The public listener `[http]`

One for all services of the process.

| setting | variable | type | default | what for |
| --- | --- | --- | --- | --- |
| `http.port` | `PORT`<br>`BOWLINE_HTTP__PORT` | whole number up to 65535 | `8080` | Port of the public listener; 0 takes \
a free one. |
| `http.host` | `BOWLINE_HTTP__HOST` | IP address | `\"127.0.0.1\"` | Where to listen. |
";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("| not set | Where to write them: stdout \\| stderr. |"), "{text}");
    assert!(text.contains("| list of: text | `[]` | Origins"), "{text}");
    assert!(text.contains("| one of pretty, json | `\"pretty\"` |"), "{text}");
    assert!(
        text.ends_with(
            "\n## Addresses of other services `[peers]`\n
| setting | variable | type | default | what for |
| --- | --- | --- | --- | --- |
| `peers.auth` | `BOWLINE_PEERS__AUTH` | text | not set | Addresses of other services. |\n"
        ),
        "{text}"
    );
    assert_eq!(SectionDoc::of::<super::RootConfig>("").about, "");
}
