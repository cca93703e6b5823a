//! A shop that is open: the whole platform, with somebody who runs it and somebody who sells.

use super::{Cast, Person, Sandbox, Shape};
use contract::ErrorCode;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Databases, Settled, eventually_within};
use uuid::Uuid;

/// Longer than anything takes on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(45);

/// Waits for what follows from events, over several services.
pub(crate) async fn in_time<C, F>(condition: C) -> <F::Output as Settled>::Value
where
    C: FnMut() -> F,
    F: Future<Output: Settled>,
{
    eventually_within(PATIENCE, condition).await
}

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
    // After the processes that use them.
    _databases: Option<Databases>,
}

impl Shop {
    /// With more settings than those that are given. `None` when the database is not there and may be skipped.
    pub(crate) async fn open(shape: Shape, books: Books, more: &[(&str, &str)]) -> Option<Self> {
        let mut settings = more.to_vec();
        let databases = match books {
            Books::Sqlite => None,
            Books::Postgres => Some(Databases::on_postgres()?),
        };
        let url = databases.as_ref().map(Databases::url);
        settings.extend(url.as_deref().map(|url| ("DATABASE_URL", url)));
        let sandbox = Sandbox::cast(shape, Cast::Everyone, &settings);
        let admin = sandbox.administrator().await;
        let vendor = Self::vendor(&sandbox, &admin).await;
        Some(Self { sandbox, admin, vendor, _databases: databases })
    }

    /// Somebody new who buys.
    pub(crate) async fn buyer(&self) -> Person {
        Person::register(&self.sandbox.client()).await
    }

    /// Something new that is sold for so many cents, of which there are so many. Its id.
    pub(crate) async fn product(&self, name: &str, cents: i64, pieces: u32) -> String {
        let sku = Uuid::new_v4().simple().to_string().to_uppercase();
        let body = json!({"sku": sku, "name": name, "price": {"amount": cents, "currency": "EUR"}});
        let made: Value = self.vendor.client.post("/api/v1/products", body).await.expect(201).data();
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/inventory/{id}/adjustments");
        let body = json!({"quantity": pieces, "kind": "PURCHASE", "reason": "the first delivery"});
        // Stock is counted from the event of the catalog on.
        in_time(|| async {
            let counted = self.vendor.client.post(&path, &body).await;
            if counted.status.is_success() { Ok(()) } else { Err(counted.text().into_owned()) }
        })
        .await;
        id
    }

    /// How many of a product are there, and how many of them are reserved.
    pub(crate) async fn stock(&self, product: &str) -> (u64, u64) {
        let stock: Value =
            self.vendor.client.get(&format!("/api/v1/inventory/{product}")).await.expect(200).data();
        let number = |field: &str| stock["counted"][field].as_u64().unwrap();
        (number("onHand"), number("reserved"))
    }

    /// The stock of a product comes to this: so many are there, so many of them reserved.
    pub(crate) async fn stock_comes_to(&self, product: &str, expected: (u64, u64)) {
        in_time(|| async {
            let stock = self.stock(product).await;
            if stock == expected { Ok(()) } else { Err(stock) }
        })
        .await;
    }

    /// The payments of an order as its buyer sees them, the newest first: state, amount and what was given back.
    pub(crate) async fn payments(&self, buyer: &Person, order: &str) -> Vec<(String, i64, i64)> {
        let path = format!("/api/v1/payments?order={order}");
        let payments: Vec<Value> = buyer.client.get(&path).await.expect(200).data();
        let told = |payment: &Value| {
            let amount = |field: &str| payment[field]["amount"].as_i64().unwrap();
            (payment["state"].as_str().unwrap().to_owned(), amount("amount"), amount("refunded"))
        };
        payments.iter().map(told).collect()
    }

    /// The payments of an order come to stand so.
    pub(crate) async fn payments_come_to(&self, buyer: &Person, order: &str, expected: &[(&str, i64, i64)]) {
        in_time(|| async {
            let payments = self.payments(buyer, order).await;
            let told: Vec<_> =
                payments.iter().map(|(state, paid, back)| (state.as_str(), *paid, *back)).collect();
            if told == expected { Ok(()) } else { Err(payments) }
        })
        .await;
    }

    /// Nothing of what an order would have cost is taken or kept. Where services react to each other's events, the provider is told
    /// a moment after the buyer.
    pub(crate) async fn nothing_is_kept(&self, buyer: &Person, order: &str) {
        in_time(|| async {
            let payments = self.payments(buyer, order).await;
            let over = |(state, ..): &(String, i64, i64)| ["VOIDED", "FAILED"].contains(&state.as_str());
            if payments.iter().all(over) { Ok(()) } else { Err(payments) }
        })
        .await;
    }

    /// Buys things, with a card, and waits for the end of it.
    pub(crate) async fn buy(&self, buyer: &Person, items: &[(&str, u32)], card: &str) -> Value {
        let placed: Value =
            buyer.client.post("/api/v1/orders", order_of(items, card)).await.expect(201).data();
        self.settled(buyer, placed["id"].as_str().unwrap()).await
    }

    /// The order, when nothing goes on with it any more.
    pub(crate) async fn settled(&self, who: &Person, order: &str) -> Value {
        in_time(|| async {
            let order: Value = who.client.get(&format!("/api/v1/orders/{order}")).await.expect(200).data();
            if order["processing"] == false { Ok(order) } else { Err(order) }
        })
        .await
    }

    /// Staff moves an order on, and what follows from that has happened.
    pub(crate) async fn staff(&self, order: &str, deed: &str, body: Value) -> Value {
        let done = self.admin.client.post(&format!("/api/v1/orders/{order}/{deed}"), body).await;
        assert!(done.status.is_success(), "{deed}: {}", done.text());
        self.settled(&self.admin, order).await
    }

    /// Not even staff may do this to an order now.
    pub(crate) async fn deed_is_refused(&self, order: &str, deed: &str) {
        let path = format!("/api/v1/orders/{order}/{deed}");
        self.admin.client.post(&path, json!({})).await.refused(ErrorCode::InvalidTransition);
    }

    /// Staff packs an order, sends it, and it is brought.
    pub(crate) async fn deliver(&self, order: &str) -> Value {
        self.staff(order, "process", json!({})).await;
        self.staff(order, "ship", json!({"carrier": "Pigeon Post", "trackingNumber": "PP-7"})).await;
        self.staff(order, "deliver", json!({})).await
    }

    /// The books of all services come to rest, and are right.
    pub(crate) async fn balance(&self) {
        for process in self.sandbox.processes() {
            let operations = Client::http(process.ops_url());
            in_time(|| async {
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

/// The body of an order of these things, paid with this card.
pub(crate) fn order_of(items: &[(&str, u32)], card: &str) -> Value {
    let item = |(product, quantity): &(&str, u32)| json!({"productId": product, "quantity": quantity});
    json!({
        "items": items.iter().map(item).collect::<Vec<_>>(), "shippingAddress": address(), "shippingMethod": "standard",
        "paymentMethod": card,
    })
}

/// Where things are sent.
pub(crate) fn address() -> Value {
    json!({
        "fullName": "Ada Lovelace", "address": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4LB",
        "country": "GB",
    })
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

/// As [`in_every_shop`], and with checkouts that follow from events in place of being led step by step.
macro_rules! however_a_checkout_is_led {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::in_every_shop;

            const BY_EVENTS: &[(&str, &str)] = &[("BOWLINE_ORDERS__SAGA", "choreography")];

            in_every_shop!(@ $name in_one_process: All, Sqlite, &[]);
            in_every_shop!(@ $name in_one_process_by_events: All, Sqlite, BY_EVENTS);
            in_every_shop!(@ $name in_one_process_on_postgresql: All, Postgres, &[]);
            in_every_shop!(@ $name in_one_process_on_postgresql_by_events: All, Postgres, BY_EVENTS);
            in_every_shop!(@ $name as_separate_processes: Split, Sqlite, &[]);
            in_every_shop!(@ $name as_separate_processes_by_events: Split, Sqlite, BY_EVENTS);
            in_every_shop!(@ $name as_separate_processes_on_postgresql: Split, Postgres, &[]);
            in_every_shop!(@ $name as_separate_processes_on_postgresql_by_events: Split, Postgres, BY_EVENTS);
        }
    )+};
}
pub(crate) use however_a_checkout_is_led;
