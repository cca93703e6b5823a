//! Services that stand in for catalog, inventory and payments: what a [`Town`] knows, behind the internal API, with the events
//! that the real ones publish; and they react to the orders' events as those do in a choreography.

use super::town::{Books, Town};
use axum::Router;
use axum::routing::{get, post, put};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Db, Migrations, Tx};
use chassis::error::{ApiError, ApiResult};
use chassis::events::{Handled, Handler, Outbox, Received};
use chassis::http::{Json, Path, Query, Reply, reply};
use chassis::identity::ServiceCaller;
use chassis::service::{Context, Parts, Service, Spec};
use contract::catalog::QuoteRequest;
use contract::event::EventSpec;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::inventory::{
    InventoryCommitted, InventoryRejected, InventoryReleased, InventoryReserved, Release, Reservation,
    ReservationState, Reserve, Restock,
};
use contract::orders::{CheckoutFlow, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed};
use contract::payments::{
    AllPayments, Authorize, Payment, PaymentActionRequired, PaymentAuthorized, PaymentCaptured,
    PaymentFailed, PaymentRefunded, PaymentState, PaymentVoided, RefundPayment,
};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("tests/flows/migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("tests/flows/migrations/postgres");
const MIGRATIONS: Migrations = Migrations { sqlite: &SQLITE, postgres: &POSTGRES };

settings! {
    /// A stand-in.
    pub(crate) struct StandInConfig {
        /// The name of the town that it stands in.
        town: String = String::new();
    }
}

impl Validate for StandInConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

fn town(config: &StandInConfig) -> anyhow::Result<Town> {
    Town::find(&config.town).ok_or_else(|| anyhow::anyhow!("no such town"))
}

macro_rules! spec {
    ($name:literal, $owns:literal, $database:expr, $events:expr) => {
        Spec {
            name: $name,
            about: "A stand-in",
            owns: &[$owns],
            well_known: &[],
            door: false,
            needs: &[],
            database: $database,
            events: $events,
            openapi: || chassis::openapi::document("A stand-in", "What a test wants it to be."),
        }
    };
}

/// Quotes what is on the shelf.
#[derive(Debug)]
pub(crate) struct StandInCatalog;

impl Service for StandInCatalog {
    const SPEC: Spec = spec!("catalog", "products", None, &[]);
    type Config = StandInConfig;

    async fn build(config: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let town = town(&config)?;
        let quote = move |_: ServiceCaller, Json(asked): Json<QuoteRequest>| {
            std::future::ready(town.does("catalog", "quote", |books| Ok(reply(books.quote(&asked)))))
        };
        Ok(Parts::new(Router::new().route("/internal/v1/catalog/quote", post(quote))))
    }
}

/// What a stand-in works with.
#[derive(Clone)]
struct Desk {
    who: &'static str,
    town: Town,
    db: Db,
    outbox: Outbox,
}

impl Desk {
    fn of(who: &'static str, config: &StandInConfig, context: &Context) -> anyhow::Result<Self> {
        Ok(Self { who, town: town(config)?, db: context.db()?, outbox: context.outbox()? })
    }

    /// Does a deed that a caller asks for, and tells what came of it.
    async fn asked<T: serde::Serialize>(
        &self,
        deed: &str,
        does: impl FnOnce(&mut Books) -> ApiResult<T>,
        told: impl FnOnce(&T) -> Told,
    ) -> ApiResult<Reply<T>> {
        let done = self.town.does(self.who, deed, does)?;
        let mut t = self.db.begin().await?;
        self.tell(&mut t, told(&done)).await.map_err(ApiError::internal)?;
        t.commit().await?;
        Ok(reply(done))
    }

    async fn tell(&self, t: &mut Tx, told: Told) -> anyhow::Result<()> {
        match told {
            Told::Nothing => Ok(()),
            Told::Stock(now) => tell_stock(&self.outbox, t, now).await,
            Told::Payment(now) => tell_payment(&self.outbox, t, now).await,
            Told::Refund(refunded) => Ok(self.outbox.publish(t, &refunded).await.map(|_| ())?),
        }
    }
}

/// What others hear of.
enum Told {
    Nothing,
    Stock(Reservation),
    Payment(Payment),
    Refund(PaymentRefunded),
}

fn stock(now: &Reservation) -> Told {
    Told::Stock(now.clone())
}

fn payment(now: &Payment) -> Told {
    Told::Payment(now.clone())
}

/// Keeps stock.
#[derive(Debug)]
pub(crate) struct StandInInventory;

const INVENTORY: &[EventSpec] = &[
    EventSpec::of::<InventoryReserved>(),
    EventSpec::of::<InventoryRejected>(),
    EventSpec::of::<InventoryReleased>(),
    EventSpec::of::<InventoryCommitted>(),
];

impl Service for StandInInventory {
    const SPEC: Spec = spec!("inventory", "inventory", Some(MIGRATIONS), INVENTORY);
    type Config = StandInConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let desk = Desk::of("inventory", &config, &context)?;
        let (reserving, restocking, listing) = (desk.clone(), desk.clone(), desk.clone());
        let reserve = move |_: ServiceCaller, Path(id): Path<CheckoutId>, Json(body): Json<Reserve>| {
            let desk = reserving.clone();
            async move { desk.asked("reserve", |books| books.reserve(id, &body), stock).await }
        };
        let moves = |deed: &'static str, to: ReservationState| {
            let desk = desk.clone();
            move |_: ServiceCaller, Path(id): Path<CheckoutId>| {
                let desk = desk.clone();
                async move { desk.asked(deed, |books| books.moves(id, to), stock).await }
            }
        };
        let restock = move |_: ServiceCaller, Path(_): Path<RefundId>, Json(body): Json<Restock>| {
            let done = restocking.town.does("inventory", "restock", |books| books.restock(&body));
            std::future::ready(done.map(reply))
        };
        let list = move |_: ServiceCaller| {
            let books = listing.town.books();
            let all: Vec<Reservation> =
                books.reservations.values().filter(|r| !r.lines.is_empty()).cloned().collect();
            std::future::ready(reply(all))
        };
        let base = "/internal/v1/inventory/reservations";
        let router = Router::new()
            .route(base, get(list))
            .route(&format!("{base}/{{checkout}}"), put(reserve))
            .route(&format!("{base}/{{checkout}}/secured"), put(moves("secure", ReservationState::Secured)))
            .route(
                &format!("{base}/{{checkout}}/committed"),
                put(moves("commit", ReservationState::Committed)),
            )
            .route(
                &format!("{base}/{{checkout}}/released"),
                put(moves("release", ReservationState::Released)),
            )
            .route("/internal/v1/inventory/restocks/{refund}", put(restock));
        let reacts = || Reacts(desk.clone());
        Ok(Parts::new(router)
            .on::<OrderCreated>("created", reacts())
            .on::<OrderConfirmed>("confirmed", reacts())
            .on::<OrderFailed>("failed", reacts())
            .on::<OrderCancelled>("cancelled", reacts()))
    }
}

async fn tell_stock(outbox: &Outbox, t: &mut Tx, now: Reservation) -> anyhow::Result<()> {
    let Reservation { order, checkout, lines, .. } = now;
    // As a release told that did not know of this.
    let answered = false;
    match now.state {
        ReservationState::Active => {
            outbox.publish(t, &InventoryReserved { order, checkout, lines, answered }).await?
        }
        ReservationState::Committed => {
            outbox.publish(t, &InventoryCommitted { order, checkout, answered }).await?
        }
        ReservationState::Released => {
            let why = Release::GivenUp;
            outbox.publish(t, &InventoryReleased { order, checkout, why }).await?
        }
        ReservationState::Expired => {
            let why = Release::Expired;
            outbox.publish(t, &InventoryReleased { order, checkout, why }).await?
        }
        ReservationState::Secured => return Ok(()),
    };
    Ok(())
}

/// Takes money.
#[derive(Debug)]
pub(crate) struct StandInPayments;

const PAYMENTS: &[EventSpec] = &[
    EventSpec::of::<PaymentAuthorized>(),
    EventSpec::of::<PaymentActionRequired>(),
    EventSpec::of::<PaymentFailed>(),
    EventSpec::of::<PaymentCaptured>(),
    EventSpec::of::<PaymentVoided>(),
    EventSpec::of::<PaymentRefunded>(),
];

impl Service for StandInPayments {
    const SPEC: Spec = spec!("payments", "payments", Some(MIGRATIONS), PAYMENTS);
    type Config = StandInConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let desk = Desk::of("payments", &config, &context)?;
        let [one, two, three, four, five, six] = std::array::from_fn(|_| desk.clone());
        let looking = desk.clone();
        let look = move |_: ServiceCaller, Path(id): Path<CheckoutId>| {
            let found = looking.town.books().payments.get(&id).cloned();
            std::future::ready(found.map(reply).ok_or_else(|| ApiError::not_found("payment")))
        };
        let authorize = move |_: ServiceCaller, Path(id): Path<CheckoutId>, Json(body): Json<Authorize>| {
            let desk = one.clone();
            async move { desk.asked("authorize", |books| books.authorize(id, &body), payment).await }
        };
        let capture = move |_: ServiceCaller, Path(id): Path<CheckoutId>| {
            let desk = two.clone();
            async move { desk.asked("capture", |books| books.capture(id), payment).await }
        };
        let void = move |_: ServiceCaller, Path(id): Path<CheckoutId>| {
            let desk = three.clone();
            async move { desk.asked("void", |books| books.void(id), payment).await }
        };
        let refund = move |_: ServiceCaller,
                           Path((id, refund)): Path<(CheckoutId, RefundId)>,
                           Json(body): Json<RefundPayment>| {
            let desk = four.clone();
            async move { desk.asked("refund", |books| books.refund(id, refund, &body), |_| Told::Nothing).await }
        };
        let list = move |_: ServiceCaller, Query(_): Query<AllPayments>| {
            let all: Vec<Payment> = five.town.books().payments.values().cloned().collect();
            std::future::ready(reply(all))
        };
        // The provider's word, which a test says.
        let settles = move |Path((id, state)): Path<(CheckoutId, String)>| {
            let desk = six.clone();
            async move {
                let state = PaymentState::parse(&state).ok_or_else(|| ApiError::not_found("state"))?;
                desk.asked("settles", |books| Ok(books.settles(id, state)), payment).await
            }
        };
        let base = "/internal/v1/payments";
        let router = Router::new()
            .route(base, get(list))
            .route(&format!("{base}/{{checkout}}"), get(look))
            .route(&format!("{base}/{{checkout}}/authorized"), put(authorize))
            .route(&format!("{base}/{{checkout}}/captured"), put(capture))
            .route(&format!("{base}/{{checkout}}/voided"), put(void))
            .route(&format!("{base}/{{checkout}}/refunds/{{refund}}"), put(refund))
            .route("/api/v1/payments/{checkout}/settles/{state}", put(settles));
        let reacts = || Reacts(desk.clone());
        Ok(Parts::new(router)
            .on::<OrderCreated>("created", reacts())
            .on::<OrderConfirmed>("confirmed", reacts())
            .on::<OrderFailed>("failed", reacts())
            .on::<OrderCancelled>("cancelled", reacts()))
    }
}

async fn tell_payment(outbox: &Outbox, t: &mut Tx, now: Payment) -> anyhow::Result<()> {
    let Payment { order, id: checkout, amount, failure, .. } = now;
    let answered = false;
    match now.state {
        PaymentState::Authorized => {
            outbox.publish(t, &PaymentAuthorized { order, checkout, amount, answered }).await?
        }
        PaymentState::RequiresAction => outbox.publish(t, &PaymentActionRequired { order, checkout }).await?,
        PaymentState::Failed => {
            let reason = failure.unwrap_or_else(|| "The payment was declined.".to_owned());
            outbox.publish(t, &PaymentFailed { order, checkout, reason }).await?
        }
        PaymentState::Captured => {
            outbox.publish(t, &PaymentCaptured { order, checkout, amount, answered }).await?
        }
        PaymentState::Voided => outbox.publish(t, &PaymentVoided { order, checkout }).await?,
        PaymentState::Pending | PaymentState::PartiallyRefunded | PaymentState::Refunded => return Ok(()),
    };
    Ok(())
}

/// Reacts to the orders' events, in a choreography.
struct Reacts(Desk);

impl Reacts {
    /// Does a deed, and tells what came of it. False when the answer is no.
    async fn react(
        &self,
        t: &mut Tx,
        deed: &str,
        does: impl FnOnce(&mut Books) -> ApiResult<Told> + Send,
    ) -> anyhow::Result<bool> {
        let done = self.0.town.does(self.0.who, deed, |books| match does(books) {
            Ok(told) => Ok(Some(told)),
            Err(error) if error.status().is_client_error() => Ok(None),
            Err(error) => Err(error),
        })?;
        let Some(told) = done else { return Ok(false) };
        self.0.tell(t, told).await?;
        Ok(true)
    }

    async fn reject(&self, t: &mut Tx, order: OrderId, checkout: CheckoutId) -> anyhow::Result<()> {
        let shortages = Vec::new();
        self.0.outbox.publish(t, &InventoryRejected { order, checkout, shortages }).await?;
        Ok(())
    }

    async fn let_go(&self, t: &mut Tx, checkout: CheckoutId) -> anyhow::Result<bool> {
        if self.keeps_stock() {
            let to = ReservationState::Released;
            self.react(t, "release", |books| Ok(stock(&books.moves(checkout, to)?))).await
        } else {
            self.react(t, "void", |books| Ok(payment(&books.void(checkout)?))).await
        }
    }

    fn keeps_stock(&self) -> bool {
        self.0.who == "inventory"
    }
}

impl Handler<OrderCreated> for Reacts {
    async fn handle(&self, t: &mut Tx, event: Received<OrderCreated>) -> Handled {
        let OrderCreated { order, user, checkout, flow, lines, total, method, .. } = event.data;
        let (CheckoutFlow::Choreography, Some(checkout), Some(method)) = (flow, checkout, method) else {
            return Ok(());
        };
        if !self.keeps_stock() {
            let body = Authorize { order, user, amount: total, method };
            self.react(t, "authorize", |books| Ok(payment(&books.authorize(checkout, &body)?))).await?;
            return Ok(());
        }
        let body = Reserve { order, lines };
        if !self.react(t, "reserve", |books| Ok(stock(&books.reserve(checkout, &body)?))).await? {
            self.reject(t, order, checkout).await?;
        }
        Ok(())
    }
}

impl Handler<OrderConfirmed> for Reacts {
    async fn handle(&self, t: &mut Tx, event: Received<OrderConfirmed>) -> Handled {
        let OrderConfirmed { order, checkout, flow, .. } = event.data;
        if flow != CheckoutFlow::Choreography {
            return Ok(());
        }
        if !self.keeps_stock() {
            let taken = |now: Payment| match now.state {
                PaymentState::Captured => Told::Payment(now),
                _ => Told::Nothing,
            };
            self.react(t, "capture", |books| Ok(taken(books.capture(checkout)?))).await?;
            return Ok(());
        }
        let to = ReservationState::Committed;
        if !self.react(t, "commit", |books| Ok(stock(&books.moves(checkout, to)?))).await? {
            self.reject(t, order, checkout).await?;
        }
        Ok(())
    }
}

impl Handler<OrderFailed> for Reacts {
    async fn handle(&self, t: &mut Tx, event: Received<OrderFailed>) -> Handled {
        if event.data.flow == CheckoutFlow::Choreography {
            self.let_go(t, event.data.checkout).await?;
        }
        Ok(())
    }
}

impl Handler<OrderCancelled> for Reacts {
    async fn handle(&self, t: &mut Tx, event: Received<OrderCancelled>) -> Handled {
        let OrderCancelled { order, checkout, refund, flow, lines, total, reason, .. } = event.data;
        let (CheckoutFlow::Choreography, Some(checkout)) = (flow, checkout) else { return Ok(()) };
        if self.let_go(t, checkout).await? {
            return Ok(());
        }
        if self.keeps_stock() {
            let body = Restock { refund, order, lines };
            self.react(t, "restock", |books| books.restock(&body).map(|()| Told::Nothing)).await?;
            return Ok(());
        }
        let body = RefundPayment { amount: total, reason };
        self.react(t, "refund", |books| {
            let amount = books.refund(checkout, refund, &body)?.amount;
            Ok(Told::Refund(PaymentRefunded { order, checkout, refund, amount, refunded: amount }))
        })
        .await?;
        Ok(())
    }
}
