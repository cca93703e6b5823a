//! What is compared: the gateway, and three proxies with the least configuration that does the same.
//!
//! Each gets two workers where it has such a thing, keeps its connections on both sides, and writes no access log. The
//! gateway runs a second time with everything on that a route can have besides: that is what Bowline is for, and what the
//! others do not do here.

use super::credentials::Certificate;
use crate::process::{GENEROUS, Supervised, output};
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that passes requests on.
pub(super) enum Proxy {
    /// The gateway with one public route and no limits.
    Bowline(PathBuf),
    /// The gateway with a token that is verified, three limits, metrics, traces and access log.
    BowlineFull(PathBuf),
    Nginx,
    Haproxy,
    Caddy,
}

/// Where a proxy stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The folder with its files.
    pub(super) home: &'a Path,
    /// The port on 127.0.0.1 on which it speaks plain HTTP.
    pub(super) port: u16,
    /// The port on which it speaks TLS, and what it shows there.
    pub(super) tls: Option<(u16, &'a Certificate)>,
    /// The port of what is behind it.
    pub(super) upstream: u16,
}

impl Proxy {
    /// The others, in the order in which they are shown.
    pub(super) const OTHERS: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Caddy];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bowline(_) => "bowline, bare",
            Self::BowlineFull(_) => "bowline, everything on",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
        }
    }

    /// The Debian package that holds it.
    pub(super) fn package(&self) -> Option<&'static str> {
        match self {
            Self::Bowline(_) | Self::BowlineFull(_) => None,
            Self::Nginx => Some("nginx-light"),
            Self::Haproxy => Some("haproxy"),
            Self::Caddy => Some("caddy"),
        }
    }

    /// What it says about its version; nothing when it is not installed.
    pub(super) fn version(&self) -> Option<String> {
        let text = match self {
            Self::Bowline(binary) => output(binary.to_str()?, &["--version"])?,
            Self::BowlineFull(_) => return None,
            // nginx says it on the error stream.
            Self::Nginx => output("/bin/sh", &["-c", "nginx -v 2>&1"])?,
            Self::Haproxy => output("haproxy", &["-v"])?,
            Self::Caddy => format!("caddy {}", output("caddy", &["version"])?),
        };
        Some(text.lines().next()?.trim().to_owned())
    }

    /// Starts it.
    pub(super) fn start(&self, place: &Place<'_>) -> Result<Supervised> {
        let home = place.home;
        let configuration = home.join("configuration");
        let file = text(&configuration)?;
        std::fs::write(&configuration, self.configuration(place)?)?;
        let mut command = match self {
            Self::Bowline(binary) => {
                let mut bare = gateway(binary, place)?;
                bare.env("LOG_LEVEL", "warn");
                bare.envs(GENEROUS.map(|(name, _)| (name, "off")));
                bare
            }
            Self::BowlineFull(binary) => {
                let mut full = gateway(binary, place)?;
                full.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", place.upstream));
                // As in production, where nobody pays for every span.
                full.env("BOWLINE_TELEMETRY__SAMPLE_RATIO", "0.01");
                full
            }
            Self::Nginx => command("nginx", &["-p", text(home)?, "-e", "error.log", "-c", file]),
            Self::Haproxy => command("haproxy", &["-db", "-f", file]),
            Self::Caddy => {
                let mut caddy = command("caddy", &["run", "--adapter", "caddyfile", "--config", file]);
                caddy.env("XDG_DATA_HOME", home).env("XDG_CONFIG_HOME", home);
                caddy
            }
        };
        let log = File::create(home.join("log"))?;
        command.current_dir(home).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Self::BowlineFull(_) = self {
            // A line a request would fill the disk; writing it is what is measured. It is JSON, on stdout.
            command.env("BOWLINE_TELEMETRY__LOG_FORMAT", "json").stdout(Stdio::null());
        }
        Supervised::spawn(&mut command)
    }

    fn configuration(&self, place: &Place<'_>) -> Result<String> {
        let Place { home, port, tls, upstream } = *place;
        let home = text(home)?;
        let tls = tls.map(|(port, certificate)| Ok::<_, anyhow::Error>((port, files(certificate)?)));
        let tls = tls.transpose()?;
        let on = |render: &dyn Fn(u16, &[String; 3]) -> String| {
            tls.as_ref().map_or_else(String::new, |(port, files)| render(*port, files))
        };
        Ok(match self {
            Self::Bowline(_) => routes(upstream, "access = { who = \"public\" }"),
            Self::BowlineFull(_) => {
                routes(upstream, "access = { who = \"user\" }\nlimits = [\"1000000 per 1s by user\"]")
            }
            Self::Nginx => format!(
                "daemon off; worker_processes 2; pid {home}/pid; events {{ worker_connections 4096; }}
                 http {{
                     access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
                     client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
                     uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
                     # Room for the large body: by default it would go over a file.
                     proxy_buffers 24 4k;
                     upstream up {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
                     server {{
                         listen 127.0.0.1:{port};
                         {tls}
                         location / {{
                             proxy_pass http://up; proxy_http_version 1.1;
                             proxy_set_header Connection \"\"; proxy_set_header Host $host;
                             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                         }}
                     }}
                 }}\n",
                tls = on(&|port, [chain, key, _]| format!(
                    "listen 127.0.0.1:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key}; \
                     ssl_protocols TLSv1.2 TLSv1.3;"
                ))
            ),
            Self::Haproxy => format!(
                "global\n nbthread 2\n maxconn 4096\n\
                 defaults\n mode http\n timeout connect 5s\n timeout client 1h\n timeout server 1m\n\
                 \x20http-reuse always\n option forwardfor\n\
                 frontend in\n bind 127.0.0.1:{port}\n{tls} default_backend up\n\
                 backend up\n server one 127.0.0.1:{upstream}\n",
                tls = on(&|port, [.., both]| format!(" bind 127.0.0.1:{port} ssl crt {both} alpn http/1.1\n"))
            ),
            Self::Caddy => {
                let proxy = format!(
                    " bind 127.0.0.1\n reverse_proxy 127.0.0.1:{upstream} {{\n  transport http {{\n   \
                     keepalive_idle_conns_per_host 512\n  }}\n }}\n}}\n"
                );
                let tls = on(&|port, [chain, key, _]| {
                    format!("https://:{port} {{\n tls {chain} {key}\n{proxy}")
                });
                format!("{{\n admin off\n auto_https off\n}}\nhttp://:{port} {{\n{proxy}{tls}")
            }
        })
    }
}

/// The certificate's files: itself, its key, both.
fn files(certificate: &Certificate) -> Result<[String; 3]> {
    let Certificate { chain, key, both, .. } = certificate;
    Ok([text(chain)?.to_owned(), text(key)?.to_owned(), text(both)?.to_owned()])
}

/// A file of routes that sends everything of the scenes to the upstream.
fn routes(upstream: u16, more: &str) -> String {
    format!(
        "[[route]]\nname = \"bench\"\npath = \"/bench/{{*rest}}\"\nupstream = \"bench\"\n{more}\n\n\
         [upstream.bench]\ninstances = [\"http://127.0.0.1:{upstream}\"]\n"
    )
}

/// The gateway alone, with the file of routes that is its configuration, and a service auth that is the trivial upstream.
pub(super) fn gateway(binary: &Path, place: &Place<'_>) -> Result<Command> {
    let mut command = bowline(binary, place.home, place.port, testkit::servers::free_port()?);
    command.args(["run", "--target", "gateway"]);
    command.env("BOWLINE_PEERS__AUTH", format!("http://127.0.0.1:{}", place.upstream));
    command.env("BOWLINE_GATEWAY__ROUTES_FILE", place.home.join("configuration"));
    if let Some((port, certificate)) = place.tls {
        command
            .env("BOWLINE_TLS__CERT_FILE", &certificate.chain)
            .env("BOWLINE_TLS__KEY_FILE", &certificate.key)
            .env("BOWLINE_TLS__PORT", port.to_string());
    }
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

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}
