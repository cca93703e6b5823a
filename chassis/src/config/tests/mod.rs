//! The mechanism as sections use it, one file for each promise of the module.

mod errors;
mod layers;
mod secrets;
mod shown;
mod values;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::{env, fs, process};

use ipnet::IpNet;
use secrecy::SecretString;

use super::{ConfigErrors, Loaded, Loader, Mode, Problems, Sources, Validate, setting_enum, settings};

setting_enum! {
    /// How log lines look.
    pub(super) enum Format {
        /// For a person.
        Pretty = "pretty",
        Json = "json",
    }
}

settings! {
    /// What holds for the whole process.
    pub(super) struct RootConfig {
        /// How strict it is.
        mode: Mode = Mode::Development;
        /// Where data is kept.
        data_dir: PathBuf = PathBuf::from("./data"), env "DATA_DIR";
    }
}

impl Validate for RootConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

settings! {
    /// The public listener.
    ///
    /// One for all services of the process.
    pub(super) struct HttpConfig {
        /// Port of the public listener;
        /// 0 takes a free one.
        port: u16 = 8080, env "PORT";
        /// Where to listen.
        host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        /// Origins that a browser may call from.
        allowed_origins: Vec<String> = Vec::new(), env "ALLOWED_ORIGINS";
        /// Proxies that are believed.
        trusted_proxies: Vec<IpNet> = Vec::new();
        /// How log lines look.
        format: Format = Format::Pretty;
        /// Where to write them: stdout | stderr.
        log: String = String::new();
        /// A file for them.
        log_file: Option<PathBuf> = None;
    }
}

impl Validate for HttpConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        if self.port == 1 {
            problems.add("port", "must be 0 or above 1");
        }
    }
}

settings! {
    /// Who is who.
    pub(super) struct AuthConfig {
        /// Encrypts the signing keys.
        master_key: Option<SecretString> = None;
        /// Where accounts are kept.
        database_url: Option<SecretString> = None, env "DATABASE_URL";
        /// Share of requests.
        share: f64 = 0.5;
        /// Logins in a minute.
        logins: u32 = 5;
    }
}

impl Validate for AuthConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        problems.secret("master_key", self.master_key.as_ref(), mode);
        problems.range("share", self.share, 0.0..=1.0);
        problems.range("logins", self.logins, 1..=100);
    }
}

/// Everything that the sections above load.
#[derive(Debug)]
struct Config {
    root: RootConfig,
    http: HttpConfig,
    auth: AuthConfig,
    peers: BTreeMap<String, String>,
}

fn load(toml: &str, variables: &[(&str, &str)]) -> (Config, Result<Loaded, ConfigErrors>) {
    let sources = Sources::from_parts(Some(toml), variables.iter().copied());
    let (mut loader, root) = Loader::with_root(sources, |root: &RootConfig| root.mode);
    let config = Config {
        root,
        http: loader.section("http"),
        auth: loader.section("auth"),
        peers: loader.map("peers", "Addresses of other services.", &["auth", "catalog"]),
    };
    (config, loader.finish())
}

fn good(toml: &str, variables: &[(&str, &str)]) -> Config {
    let (config, loaded) = load(toml, variables);
    loaded.unwrap();
    config
}

/// The messages, one a line.
fn wrong(toml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let errors = load(toml, variables).1.unwrap_err().errors;
    errors.iter().map(ToString::to_string).collect()
}

/// A file that is gone when the test is over.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, contents: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("bowline-config-{}-{name}", process::id()));
        fs::write(&path, contents).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
