//! A platform in one process with a shop in it, and people who have accounts.

use crate::bench::data::Ground;
use crate::bench::http::Connection;
use crate::bench::proxies::bowline;
use crate::process::{Supervised, interrupted};
use crate::prove::stage::Database;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_ports;

const PASSWORD: &str = "violet tram under snow";
const KEEPER: &str = "keeper@shop.test";
const READY_LIMIT: Duration = Duration::from_secs(30);
/// More than is ever bought.
const STOCK: u32 = 1_000_000;
const PRODUCTS: usize = 50;

/// The running platform. It ends with this value.
pub(super) struct Shop {
    pub(super) port: u16,
    pub(super) ops: u16,
    pub(super) process: Supervised,
    pub(super) products: Vec<String>,
    keeper: String,
    home: Folder,
}

impl Shop {
    pub(super) fn open(binary: &Path, ground: &Ground, database: Database, flow: &str) -> Result<Self> {
        let home = Folder::new("bench")?;
        let [port, ops] = free_ports()?;
        let mut command = bowline(binary, home.path(), port, ops);
        let settings = [
            ("LOG_LEVEL", "warn"),
            ("BOWLINE_DATABASE__SYNCHRONOUS", "full"),
            ("BOWLINE_LIMITS__AUTH", "1000000 per 1s by ip"),
            ("BOWLINE_LIMITS__ORDERS", "1000000 per 1s by user"),
            ("BOWLINE_LIMITS__PAYMENTS", "1000000 per 1s by user"),
            ("BOWLINE_ORDERS__SAGA", flow),
        ];
        command.envs(settings);
        if database == Database::Postgres {
            command.env("DATABASE_URL", ground.database());
        }
        let mut admin = clone(&command, binary);
        admin.args(["admin", "create", "--email", KEEPER]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = admin.current_dir(home.path()).spawn().context("cannot run bowline admin")?;
        child.stdin.take().context("a pipe")?.write_all(PASSWORD.as_bytes())?;
        if !child.wait()?.success() {
            bail!("no administrator could be made");
        }
        let log = File::create(home.path().join("log"))?;
        command
            .args(["run"])
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = Supervised::spawn(&mut command)?;
        let mut shop = Self { port, ops, process, products: Vec::new(), keeper: String::new(), home };
        shop.wait_until_ready()?;
        shop.keeper = shop.token("login", KEEPER)?;
        shop.fill()?;
        Ok(shop)
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn wait_until_ready(&self) -> Result<()> {
        let end = Instant::now() + READY_LIMIT;
        while crate::bench::http::status(self.ops, "/ready").ok() != Some(200) {
            if Instant::now() > end || interrupted() {
                bail!(
                    "the platform is not ready: {}",
                    std::fs::read_to_string(self.log()).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        let mut connection = Connection::open(self.port)?;
        for number in 0..PRODUCTS {
            let product = json!({
                "name": format!("Thing {number}"), "slug": format!("thing-{number}"), "sku": format!("THING-{number:03}"),
                "price": {"amount": 1_999, "currency": "EUR"},
                "description": "A thing of which there is enough. It is described in a sentence or two, as things usually are.",
            });
            let made = must(&mut connection, "POST", "/api/v1/products", Some(&self.keeper), &product)?;
            self.products.push(made["id"].as_str().context("a product has an id")?.to_owned());
        }
        let delivery = json!({"kind": "PURCHASE", "quantity": STOCK, "reason": "a delivery"});
        for product in &self.products {
            let path = format!("/api/v1/inventory/{product}/adjustments");
            let end = Instant::now() + READY_LIMIT;
            // Stock is counted from the catalog's event on, which may take a moment.
            while let Err(error) = must(&mut connection, "POST", &path, Some(&self.keeper), &delivery) {
                if Instant::now() > end || interrupted() {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// The access token of somebody who registers or logs in.
    pub(super) fn token(&self, how: &str, email: &str) -> Result<String> {
        let mut connection = Connection::open(self.port)?;
        let body = json!({"email": email, "password": PASSWORD});
        let grant = must(&mut connection, "POST", &format!("/api/v1/auth/{how}"), None, &body)?;
        Ok(grant["accessToken"].as_str().context("a grant has an access token")?.to_owned())
    }

    /// The sum of a metric over its labels.
    pub(super) fn metric(&self, name: &str) -> Result<f64> {
        let answer = Connection::open(self.ops)?.ask(crate::bench::http::get("/metrics").as_bytes())?;
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        let of = |line: &&str| line.starts_with(name);
        Ok(page.lines().filter(of).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

/// The same program in the same environment.
fn clone(command: &Command, binary: &Path) -> Command {
    let mut again = Command::new(binary);
    again.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            again.env(name, value);
        }
    }
    again
}

/// A request with a JSON body, as it goes over the wire.
pub(super) fn wire(method: &str, path: &str, token: Option<&str>, body: &Value) -> String {
    let json = if body.is_null() { String::new() } else { body.to_string() };
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n{token}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{json}",
        json.len()
    )
}

/// The `data` of an answer that must be a good one.
pub(super) fn must(
    connection: &mut Connection,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Result<Value> {
    let answer = connection.ask(wire(method, path, token, body).as_bytes())?;
    let mut json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !(200..300).contains(&answer.status) {
        bail!("{method} {path}: {} {json}", answer.status);
    }
    Ok(json["data"].take())
}
