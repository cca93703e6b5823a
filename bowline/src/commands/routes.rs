//! `bowline routes` and `bowline explain`.

use crate::client::Client;
use crate::services;
use anyhow::{Context as _, bail};
use chassis::run::Platform;
use chassis::service::Spec;
use clap::Args;
use contract::gateway::Explanation;
use gateway::Gateway;
use gateway::explain::{self, Listed};
use http::{HeaderName, HeaderValue, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the table of routes; a file that is wrong is told line by line
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bowline routes                          the routes by the settings
  bowline routes --file new-routes.toml   those of a file that is not live yet, or everything that is wrong with it")]
pub(crate) struct Routes {
    /// The file of routes, instead of gateway.routes_file.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Say what would become of a request at the gateway: which route, what each layer says, and the lines behind that
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bowline explain GET /legacy/orders/7
  bowline explain POST /api/v1/orders -H 'Host: shop.example' --file new-routes.toml
  bowline explain GET /legacy/orders/7 --at http://127.0.0.1:8080
                        by the gateway that runs there, with what is left of limits and how its upstreams are;
                        BOWLINE_TOKEN holds an administrator's access token")]
pub(crate) struct Explain {
    /// The method.
    method: Method,
    /// The path, with its query.
    path: String,
    /// A header, such as `Host: shop.example`; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The file of routes, instead of gateway.routes_file.
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    file: Option<PathBuf>,
    /// Ask the gateway at this URL.
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// The access token of an administrator, for --at.
    #[arg(env = "BOWLINE_TOKEN", long, value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("must be like `Host: shop.example`")?;
    let name = name.trim().parse().map_err(|_| format!("`{name}` is no name of a header"))?;
    let value = value.trim().parse().map_err(|_| "its value has letters that no header has".to_owned())?;
    Ok((name, value))
}

impl Routes {
    pub(crate) fn run(self, platform: impl FnOnce() -> anyhow::Result<Platform>) -> anyhow::Result<ExitCode> {
        let text = text(self.file, platform)?;
        let listed = match explain::list(text.as_deref(), &specs()) {
            Ok(listed) => listed,
            Err(problems) => return wrong(&problems),
        };
        let width =
            |of: fn(&Listed) -> &str| listed.iter().map(|route| of(route).len()).max().unwrap_or_default();
        let (names, methods) = (width(|route| &route.name), width(|route| &route.methods));
        let matches = width(|route| &route.matches);
        for route in &listed {
            let line = route.line.map(|line| format!("  line {line}")).unwrap_or_default();
            super::say(format_args!(
                "{:<names$}  {:<methods$}  {:<matches$}  {}{line}",
                route.name, route.methods, route.matches, route.target
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Explain {
    pub(crate) fn run(self, platform: impl FnOnce() -> anyhow::Result<Platform>) -> anyhow::Result<ExitCode> {
        if !self.path.starts_with('/') {
            bail!("the path must begin with a slash, such as /api/v1/products");
        }
        if let Some(at) = &self.at {
            return self.ask(at);
        }
        let mut request = Request::builder().method(&self.method).uri(&self.path).body(())?;
        request.headers_mut().extend(self.headers);
        let text = text(self.file, platform)?.unwrap_or_default();
        match explain::explain(&text, &specs(), &request) {
            Ok(explanation) => super::say(format_args!("{explanation}"))?,
            Err(problems) => return wrong(&problems),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Explain {
    /// Asks the gateway that runs there.
    fn ask(&self, at: &str) -> anyhow::Result<ExitCode> {
        let token = self.token.as_ref().context("BOWLINE_TOKEN must hold an administrator's access token")?;
        let mut headers = serde_json::Map::new();
        for (name, value) in &self.headers {
            headers.insert(name.to_string(), value.to_str()?.into());
        }
        let asked = json!({ "method": self.method.as_str(), "path": self.path, "headers": headers });
        let client = Client::new(at).with_token(token.expose_secret());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(client.post("/api/v1/gateway/explain", &asked))?;
        let explanation: Explanation = serde_json::from_value(answer)?;
        super::say(format_args!("{explanation}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn wrong(problems: &str) -> anyhow::Result<ExitCode> {
    super::say(format_args!("{problems}"))?;
    Ok(ExitCode::FAILURE)
}

fn specs() -> Vec<&'static Spec> {
    services::ALL.iter().map(|registration| registration.spec).collect()
}

/// The text of the file that is named, or else of the one in the settings.
fn text(
    named: Option<PathBuf>,
    platform: impl FnOnce() -> anyhow::Result<Platform>,
) -> anyhow::Result<Option<String>> {
    let file = match named {
        Some(file) => Some(file),
        None => platform()?.config_of::<Gateway>().and_then(|config| config.routes_file.clone()),
    };
    let read = |file: PathBuf| {
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
    };
    file.map(read).transpose()
}
