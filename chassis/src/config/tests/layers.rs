use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::{Format, HttpConfig, TempFile, good, load, wrong};
use crate::config::{Loader, Mode, Source, Sources};

#[test]
fn nothing_has_to_be_set() {
    let config = good("", &[]);
    assert_eq!(config.http.port, 8080);
    assert_eq!(config.root.data_dir, PathBuf::from("./data"));
    assert_eq!(config.root.mode, Mode::Development);
    assert!(config.peers.is_empty());
}

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let file = "[http]\nport = 1001\n";
    let secret = TempFile::new("layers", b"1004\n");
    let secret = ("PORT_FILE", secret.path());
    let (familiar, ruled) = (("PORT", "1002"), ("BOWLINE_HTTP__PORT", "1003"));

    assert_eq!(good("", &[]).http.port, 8080);
    assert_eq!(good(file, &[]).http.port, 1001);
    assert_eq!(good(file, &[familiar]).http.port, 1002);
    assert_eq!(good(file, &[familiar, ruled]).http.port, 1003);
    assert_eq!(good(file, &[familiar, ruled, secret]).http.port, 1004);
}

#[test]
fn every_value_knows_where_it_came_from() {
    let secret = TempFile::new("source", b"0.25");
    let variables = [
        ("PORT", "1002"),
        ("BOWLINE_AUTH__SHARE_FILE", secret.path()),
        ("BOWLINE_DATA_DIR", "/var/lib/bowline"),
    ];
    let loaded = load("\n[http]\nhost = '::1'\n", &variables).1.unwrap();
    let source =
        |name: &str| loaded.entries.iter().find(|entry| entry.name() == name).unwrap().source.clone();

    assert_eq!(source("http.log"), Source::Default);
    assert_eq!(source("http.host"), Source::File { name: "bowline.toml".to_owned(), line: 3 });
    assert_eq!(source("http.port"), Source::Environment { variable: "PORT".to_owned() });
    assert_eq!(source("data_dir"), Source::Environment { variable: "BOWLINE_DATA_DIR".to_owned() });
    assert_eq!(source("auth.share"), Source::SecretFile { variable: "BOWLINE_AUTH__SHARE_FILE".to_owned() });
}

#[test]
fn the_newline_at_the_end_of_a_secret_file_is_no_part_of_the_secret() {
    let secret = TempFile::new("newline", b" two words \r\n");
    let config = good("", &[("DATABASE_URL_FILE", secret.path())]);
    assert_eq!(config.auth.database_url.unwrap().expose_secret(), " two words ");
}

#[test]
fn a_secret_file_that_cannot_be_read_is_told_with_its_variable_and_path() {
    let errors = wrong("", &[("DATABASE_URL_FILE", "/nowhere/url")]);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with(
        "auth.database_url (DATABASE_URL or BOWLINE_AUTH__DATABASE_URL) cannot be read from the file /nowhere/url that \
         DATABASE_URL_FILE names: "
    ));
    assert_eq!(wrong("", &[("PORT_FILE", "")]).len(), 1);

    let binary = TempFile::new("binary", b"leaked-part\xff");
    let errors = wrong("", &[("DATABASE_URL_FILE", binary.path())]);
    assert_eq!(errors.len(), 1);
    assert!(!errors[0].contains("leaked-part"), "{}", errors[0]);
}

#[test]
fn a_setting_whose_own_name_ends_in_file_is_no_secret_file() {
    let config = good("", &[("BOWLINE_HTTP__LOG_FILE", "/var/log/bowline.log")]);
    assert_eq!(config.http.log_file, Some(PathBuf::from("/var/log/bowline.log")));
    assert_eq!(config.http.log, "");
}

#[test]
fn lists_are_arrays_in_the_file_and_parted_by_commas_in_the_environment() {
    let origins = vec!["https://a.example".to_owned(), "https://b.example".to_owned()];
    let file = "[http]\nallowed_origins = ['https://a.example', 'https://b.example']";
    assert_eq!(good(file, &[]).http.allowed_origins, origins);
    let variable = ("ALLOWED_ORIGINS", "https://a.example, https://b.example");
    assert_eq!(good("", &[variable]).http.allowed_origins, origins);
    assert!(good(file, &[("ALLOWED_ORIGINS", "")]).http.allowed_origins.is_empty());
    let proxies = good("", &[("BOWLINE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1")]).http.trusted_proxies;
    assert_eq!(proxies, ["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()]);
}

#[test]
fn a_number_may_be_written_as_a_text_in_the_file() {
    assert_eq!(good("[http]\nport = '0'", &[]).http.port, 0);
    assert_eq!(good("[http]\nport = 0x1F90", &[]).http.port, 8080);
    assert_eq!(good("[auth]\nlogins = 1_0", &[]).auth.logins, 10);
    assert_eq!(good("[http]\nformat = 'JSON'", &[]).http.format, Format::Json);
}

#[test]
fn an_empty_optional_setting_is_not_set() {
    let config = good("[auth]\nmaster_key = ''", &[("DATABASE_URL", ""), ("BOWLINE_PEERS__AUTH", "")]);
    assert!(
        config.auth.master_key.is_none() && config.auth.database_url.is_none() && config.peers.is_empty()
    );
}

#[test]
fn a_variable_that_is_not_utf8_is_an_error_only_where_it_is_a_setting() {
    let broken = |name: &str| {
        let sources = Sources::new("bowline.toml".to_owned(), "", [(name.to_owned(), None)].into());
        let mut loader = Loader::new(sources, Mode::Development);
        let _: HttpConfig = loader.section("http");
        loader.finish().map(|_| ()).map_err(|errors| errors.errors[0].to_string())
    };
    assert_eq!(broken("LS_COLORS"), Ok(()));
    let told = "http.port (PORT or BOWLINE_HTTP__PORT) is not UTF-8 in PORT";
    assert_eq!(broken("PORT"), Err(told.to_owned()));
    assert_eq!(broken("PORT_FILE"), Err(format!("{told}_FILE")));
}

#[test]
fn peers_are_read_by_name() {
    let file = "[peers]\nauth = 'http://auth:8080'\ncatalog = 'http://one:8080'";
    let peers = good(file, &[("BOWLINE_PEERS__CATALOG", "http://two:8080")]).peers;
    assert_eq!(peers["auth"], "http://auth:8080");
    assert_eq!(peers["catalog"], "http://two:8080");
}

#[test]
fn the_file_that_is_named_must_exist_and_the_usual_one_need_not() {
    let file = TempFile::new("named.toml", b"[http]\nport = 2\n");
    assert!(Sources::read(Some(Path::new(file.path()))).is_ok());
    let error = Sources::read(Some(Path::new("/nowhere/bowline.toml"))).unwrap_err().to_string();
    assert!(error.contains("the configuration file /nowhere/bowline.toml cannot be read"), "{error}");
    // Tests run in the folder of the crate, where there is no bowline.toml.
    assert!(Sources::read(None).is_ok());
}
