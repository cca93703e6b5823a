//! A shop that is open: the whole platform, with somebody who runs it and somebody who sells.

use super::{Cast, Person, Sandbox, Shape};
use serde_json::json;
use testkit::{Client, engines, eventually};
use uuid::Uuid;

/// The database that a shop keeps its books in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Books {
    Sqlite,
    Postgres,
}

/// A shop that is open.
pub(crate) struct Shop {
    pub(crate) sandbox: Sandbox,
    /// Runs it.
    pub(crate) admin: Person,
    /// Sells in it.
    pub(crate) vendor: Person,
}

impl Shop {
    /// With more settings than those that are given. `None` when the database is not there and may be skipped.
    pub(crate) async fn open(shape: Shape, books: Books, more: &[(&str, &str)]) -> Option<Self> {
        let mut settings = more.to_vec();
        let url = match books {
            Books::Sqlite => None,
            Books::Postgres => {
                let name = format!("journey_{}_{{service}}", Uuid::new_v4().simple());
                Some(engines::with_database(&engines::postgres_url()?, &name))
            }
        };
        settings.extend(url.as_deref().map(|url| ("DATABASE_URL", url)));
        let sandbox = Sandbox::cast(shape, Cast::Everyone, &settings);
        let admin = sandbox.administrator().await;
        let vendor = Self::vendor(&sandbox, &admin).await;
        Some(Self { sandbox, admin, vendor })
    }

    /// The books of all services come to rest, and are right.
    pub(crate) async fn balance(&self) {
        for process in self.sandbox.processes() {
            let operations = Client::http(process.ops_url());
            eventually(|| async {
                let audit = operations.get_unchecked("/audit").await;
                if audit.json()["holds"] == true { Ok(()) } else { Err(audit.text().into_owned()) }
            })
            .await;
        }
    }

    /// Somebody new who sells.
    async fn vendor(sandbox: &Sandbox, admin: &Person) -> Person {
        let client = sandbox.client();
        let person = Person::register(&client).await;
        let path = format!("/api/v1/users/{}", person.id);
        admin.client.patch(&path, json!({"roles": ["user", "vendor"]})).await.expect(200);
        // Rights travel in the token, so they take a new one.
        Person::log_in(&client, &person.email, super::PASSWORD).await
    }
}

/// Makes tests of an `async fn(Shop)`: in one process and in one a service, on both databases.
macro_rules! in_every_shop {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::in_every_shop;

            in_every_shop!(@ $name in_one_process: All, Sqlite, &[]);
            in_every_shop!(@ $name in_one_process_on_postgresql: All, Postgres, &[]);
            in_every_shop!(@ $name as_separate_processes: Split, Sqlite, &[]);
            in_every_shop!(@ $name as_separate_processes_on_postgresql: Split, Postgres, &[]);
        }
    )+};
    (@ $name:ident $test:ident: $shape:ident, $books:ident, $more:expr) => {
        #[tokio::test]
        async fn $test() {
            use $crate::support::{Books, Shape, Shop};
            let Some(shop) = Shop::open(Shape::$shape, Books::$books, $more).await else { return };
            super::$name(shop).await;
        }
    };
}
pub(crate) use in_every_shop;
