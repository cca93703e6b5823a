//! What is compared: the gateway, and three proxies with the least configuration that does the same.
//!
//! Each gets two workers where it has such a thing, keeps its connections on both sides, and writes no access log. The
//! gateway is measured a second time with its access log, as it comes.

use crate::process::{GENEROUS, Supervised, output};
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that passes requests on.
pub(super) enum Proxy {
    /// The gateway without its access log.
    Bowline(PathBuf),
    /// The gateway with its defaults.
    BowlineLogging(PathBuf),
    Nginx,
    Haproxy,
    Caddy,
}

impl Proxy {
    /// The others, in the order in which they are shown.
    pub(super) const OTHERS: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Caddy];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bowline(_) => "bowline",
            Self::BowlineLogging(_) => "bowline, access log",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
        }
    }

    /// The Debian package that holds it.
    pub(super) fn package(&self) -> Option<&'static str> {
        match self {
            Self::Bowline(_) | Self::BowlineLogging(_) => None,
            Self::Nginx => Some("nginx-light"),
            Self::Haproxy => Some("haproxy"),
            Self::Caddy => Some("caddy"),
        }
    }

    /// What it says about its version; nothing when it is not installed.
    pub(super) fn version(&self) -> Option<String> {
        let text = match self {
            Self::Bowline(binary) => output(binary.to_str()?, &["--version"])?,
            Self::BowlineLogging(_) => return None,
            // nginx says it on the error stream.
            Self::Nginx => output("/bin/sh", &["-c", "nginx -v 2>&1"])?,
            Self::Haproxy => output("haproxy", &["-v"])?,
            Self::Caddy => format!("caddy {}", output("caddy", &["version"])?),
        };
        Some(text.lines().next()?.trim().to_owned())
    }

    /// Starts it on `port` of 127.0.0.1 in front of `upstream`, with its files in `home`.
    pub(super) fn start(&self, home: &Path, port: u16, upstream: u16) -> Result<Supervised> {
        let configuration = home.join("configuration");
        let file = configuration.to_str().context("a path that is not text")?;
        let folder = home.to_str().context("a path that is not text")?;
        std::fs::write(&configuration, self.configuration(folder, port, upstream))?;
        let mut command = match self {
            Self::Bowline(binary) => {
                let mut quiet = gateway(binary, home, port, upstream)?;
                quiet.env("LOG_LEVEL", "warn");
                quiet
            }
            Self::BowlineLogging(binary) => gateway(binary, home, port, upstream)?,
            Self::Nginx => command("nginx", &["-p", folder, "-e", "error.log", "-c", file]),
            Self::Haproxy => command("haproxy", &["-db", "-f", file]),
            Self::Caddy => {
                let mut caddy = command("caddy", &["run", "--adapter", "caddyfile", "--config", file]);
                caddy.env("XDG_DATA_HOME", home).env("XDG_CONFIG_HOME", home);
                caddy
            }
        };
        let log = File::create(home.join("log"))?;
        command.current_dir(home).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Self::BowlineLogging(_) = self {
            // A line a request would fill the disk; writing it is what is measured.
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        Supervised::spawn(&mut command)
    }

    fn configuration(&self, home: &str, port: u16, upstream: u16) -> String {
        match self {
            // Everything is in its environment.
            Self::Bowline(_) | Self::BowlineLogging(_) => String::new(),
            Self::Nginx => format!(
                "daemon off; worker_processes 2; pid {home}/pid; events {{ worker_connections 4096; }}
                 http {{
                     access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
                     client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
                     uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
                     upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
                     server {{
                         listen 127.0.0.1:{port};
                         location / {{
                             proxy_pass http://up; proxy_http_version 1.1;
                             proxy_set_header Connection \"\"; proxy_set_header Host $host;
                             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                         }}
                     }}
                 }}\n"
            ),
            Self::Haproxy => format!(
                "global\n nbthread 2\n maxconn 4096\n\
                 defaults\n mode http\n timeout connect 5s\n timeout client 1h\n timeout server 1m\n\
                 \x20http-reuse always\n option forwardfor\n\
                 frontend in\n bind 127.0.0.1:{port}\n default_backend up\n\
                 backend up\n server one 127.0.0.1:{upstream}\n"
            ),
            Self::Caddy => format!(
                "{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n bind 127.0.0.1\n \
                 reverse_proxy 127.0.0.1:{upstream} {{\n  transport http {{\n   \
                 keepalive_idle_conns_per_host 64\n  }}\n }}\n}}\n"
            ),
        }
    }
}

/// The gateway alone, in front of a service auth that is the trivial upstream.
fn gateway(binary: &Path, home: &Path, port: u16, upstream: u16) -> Result<Command> {
    let mut command = bowline(binary, home, port, testkit::servers::free_port()?);
    command.args(["run", "--target", "gateway"]);
    command.env("BOWLINE_PEERS__AUTH", format!("http://127.0.0.1:{upstream}"));
    Ok(command)
}

/// The platform's binary with nothing from the caller's environment and its data in `home`.
pub(super) fn bowline(binary: &Path, home: &Path, port: u16, ops_port: u16) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
        .env("PORT", port.to_string())
        .env("OPS_PORT", ops_port.to_string())
        .env("DATA_DIR", home.join("data"))
        .envs(GENEROUS);
    command
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
