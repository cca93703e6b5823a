//! The platform as it is run: real processes, real sockets, a folder of its own.

mod live;
mod process;
mod sandbox;
mod shop;

pub(crate) use live::{Follower, are_told_once, told_of};
pub(crate) use process::{Process, bowline};
pub(crate) use sandbox::{Cast, Sandbox, Shape};
pub(crate) use shop::{Books, Shop, address, however_a_checkout_is_led, in_every_shop, in_time, order_of};

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::Client;

/// A password that nobody guesses.
pub(crate) const PASSWORD: &str = "correct-battery-7-staple";

/// Somebody with an account who is logged in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) client: Client,
}

impl Person {
    pub(crate) async fn register(client: &Client) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let email = format!("person{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed));
        let body = json!({"email": email, "password": PASSWORD});
        let answer = client.post("/api/v1/auth/register", body).await.expect(201);
        Self::of(client, email, &answer.data())
    }

    pub(crate) async fn log_in(client: &Client, email: &str, password: &str) -> Self {
        let body = json!({"email": email, "password": password});
        let answer = client.post("/api/v1/auth/login", body).await.expect(200);
        Self::of(client, email.to_owned(), &answer.data())
    }

    fn of(client: &Client, email: String, grant: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let access = text(&grant["accessToken"]);
        Self {
            email,
            id: text(&grant["user"]["id"]),
            refresh: text(&grant["refreshToken"]),
            client: client.bearer(&access),
            access,
        }
    }
}

/// The one-time token of the link in a mail.
pub(crate) fn token_in(mail: &str) -> String {
    let (_, rest) = mail.split_once("token=").unwrap_or_else(|| panic!("no token in:\n{mail}"));
    rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap().to_owned()
}

/// Makes two tests of an `async fn(Sandbox)`: all in one process, and one process a service.
macro_rules! in_both_shapes {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::{Sandbox, Shape};

            #[tokio::test]
            async fn in_one_process() {
                super::$name(Sandbox::start(Shape::All)).await;
            }

            #[tokio::test]
            async fn as_separate_processes() {
                super::$name(Sandbox::start(Shape::Split)).await;
            }
        }
    )+};
}
pub(crate) use in_both_shapes;
