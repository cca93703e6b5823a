//! Each saga is tried in every way in which one thing can go wrong, with the inventory and the payments as stand-ins.

#[path = "../../tests/flows/stand_ins.rs"]
#[allow(dead_code, reason = "the flows that are tried here ask no catalog")]
mod stand_ins;
#[path = "../../tests/flows/town.rs"]
#[allow(dead_code, reason = "other tests look at more of it")]
mod town;

use super::cancellation::{Cancellation, CancellationParams};
use super::checkout::{Checkout, CheckoutParams};
use super::refund::{Refund, RefundParams};
use crate::Orders;
use crate::app::App;
use crate::domain::events::{
    Cancelled, CheckoutStarted, Completed, Confirmed, GivingBack, OrderEvent, Placed, RefundAsked,
};
use crate::domain::order::{Order, Stage};
use crate::store::checkout::{self, New, State};
use chassis::clock::Ts;
use chassis::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db, q};
use chassis::event_store::Loaded;
use chassis::saga::{Phase, Saga};
use chassis::service::Service as _;
use contract::ids::{CheckoutId, OrderId, ProductId, RefundId, UserId};
use contract::inventory::{ReservationState, Reserve, ReserveLine};
use contract::orders::{CheckoutFlow, OrderStatus, ShippingMethod, Totals};
use contract::payments::{Authorize, MethodToken, PaymentState};
use stand_ins::{StandInInventory, StandInPayments};
use std::marker::PhantomData;
use std::sync::Arc;
use testkit::saga::{SagaWorld, prove_saga};
use testkit::{Engine, Folder, Setup, TestService};
use town::{Town, eur};
use uuid::Uuid;

const TOTAL: i64 = 1_000;
const PIECES: u32 = 1_000_000;

/// An order's database for each case, and one town for all: it tells checkouts apart by their ids.
struct World<S> {
    folder: Folder,
    peers: Arc<Peers>,
    user: UserId,
    order: OrderId,
    checkout: CheckoutId,
    refund: RefundId,
    product: ProductId,
    saga: PhantomData<fn(S)>,
}

struct Peers {
    service: TestService,
    town: Town,
}

impl Peers {
    async fn start() -> Arc<Self> {
        let town = Town::new();
        let service = Setup::of::<StandInInventory>()
            .and::<StandInPayments>()
            .set("BOWLINE_INVENTORY__TOWN", town.name())
            .set("BOWLINE_PAYMENTS__TOWN", town.name())
            .start(Engine::Sqlite)
            .await
            .unwrap();
        Arc::new(Self { service, town })
    }
}

impl<S> World<S> {
    fn new(peers: Arc<Peers>) -> Self {
        let product = peers.town.put("pen", 100, PIECES);
        Self {
            folder: Folder::new("trial").unwrap(),
            peers,
            user: UserId::new(),
            order: OrderId::new(),
            checkout: CheckoutId::new(),
            refund: RefundId::new(),
            product,
            saga: PhantomData,
        }
    }

    fn lines(&self) -> Vec<ReserveLine> {
        vec![ReserveLine { product: self.product, quantity: 2 }]
    }

    fn app(&self, db: &Db) -> App {
        App::over(db.clone(), self.peers.service.assembled().shared()).unwrap()
    }

    /// The database, with the order as these events make it; for the process that comes after a kill it is there.
    async fn open_with(&self, events: Vec<OrderEvent>, state: State) -> Db {
        let db = Db::open(&DatabaseConfig::default(), "orders", self.folder.path()).await.unwrap();
        db.migrate("chassis", &CHASSIS_MIGRATIONS).await.unwrap();
        db.migrate("orders", &Orders::SPEC.database.unwrap()).await.unwrap();
        let app = self.app(&db);
        let order: Loaded<Order> = app.store.load(self.order.uuid()).await.unwrap();
        if order.version == 0 {
            let mut t = db.begin().await.unwrap();
            app.store.save(&mut t, order, events).await.unwrap();
            let (id, flow, now) = (self.checkout, CheckoutFlow::Orchestration, Ts::from_secs(0));
            let new = New { id, order: self.order, flow, amount: eur(TOTAL), deadline: now };
            checkout::insert(&mut t, &new, now).await.unwrap();
            checkout::advance(&mut t, id, State::Open, state, now).await.unwrap();
            t.commit().await.unwrap();
        }
        db
    }

    fn placed(&self) -> Vec<OrderEvent> {
        let (order, user, checkout) = (self.order, self.user, self.checkout);
        let totals = Totals { subtotal: eur(TOTAL), shipping: eur(0), tax: eur(0), total: eur(TOTAL) };
        let (number, shipping, flow) = (String::new(), ShippingMethod::Standard, CheckoutFlow::Orchestration);
        vec![
            OrderEvent::Placed(Placed { order, user, number, lines: Vec::new(), totals, shipping }),
            OrderEvent::CheckoutStarted(CheckoutStarted { order, checkout, flow }),
        ]
    }

    /// Placed, paid and sold, and then this.
    fn sold(&self, then: OrderEvent) -> Vec<OrderEvent> {
        let (order, checkout) = (self.order, self.checkout);
        let mut events = self.placed();
        events.push(OrderEvent::Confirmed(Confirmed { order, checkout }));
        events.push(OrderEvent::Completed(Completed { order, checkout }));
        events.push(then);
        events
    }

    /// What was paid and kept for it, before the saga begins.
    fn sell(&self) {
        let mut books = self.peers.town.books();
        books.reserve(self.checkout, &Reserve { order: self.order, lines: self.lines() }).unwrap();
        books.moves(self.checkout, ReservationState::Committed).unwrap();
        let method = MethodToken("pm_card_visa".to_owned());
        let body = Authorize { order: self.order, user: self.user, amount: eur(TOTAL), method };
        books.authorize(self.checkout, &body).unwrap();
        books.capture(self.checkout).unwrap();
    }

    async fn order(&self, db: &Db) -> Order {
        self.app(db).store.load::<Order>(self.order.uuid()).await.unwrap().state
    }

    /// How often the outbox has an event.
    async fn told(&self, db: &Db, event: &str) -> i64 {
        const COUNT: &str = "SELECT count(*) FROM outbox WHERE body LIKE $1";
        q!(db.read, scalar, COUNT, format!("%\"{event}.v1\"%")).unwrap()
    }

    fn gone(&self) -> u32 {
        PIECES - self.peers.town.stock_of(self.product)
    }

    fn paid(&self) -> Option<(PaymentState, i64)> {
        let books = self.peers.town.books();
        books.payments.get(&self.checkout).map(|payment| (payment.state, payment.refunded.amount))
    }
}

/// What is not as it should be.
fn differs<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Vec<String> {
    if found == expected { Vec::new() } else { vec![format!("{found:?} and not {expected:?}")] }
}

impl SagaWorld for World<Checkout> {
    type Saga = Checkout;

    async fn open(&self) -> Db {
        self.open_with(self.placed(), State::Open).await
    }

    fn flow(&self, db: &Db) -> Checkout {
        Checkout::new(self.app(db))
    }

    fn id(&self) -> Uuid {
        self.checkout.uuid()
    }

    fn params(&self) -> CheckoutParams {
        let method = MethodToken("pm_card_visa".to_owned());
        CheckoutParams { order: self.order, user: self.user, lines: self.lines(), total: eur(TOTAL), method }
    }

    async fn audit(&self, db: &Db, _: Uuid, ended: Phase) -> Vec<String> {
        let order = self.order(db).await;
        let told = (self.told(db, "order.confirmed").await, self.told(db, "order.failed").await);
        let stage = order.checkout.map(|checkout| checkout.stage);
        let row = checkout::find(db, self.checkout).await.unwrap().map(|row| row.state);
        let found = (order.status, stage, row, told, self.gone());
        if ended == Phase::Done {
            let expected =
                (Some(OrderStatus::Confirmed), Some(Stage::Complete), Some(State::Complete), (1, 0), 2);
            let mut wrong = differs(found, expected);
            wrong.extend(differs(self.paid(), Some((PaymentState::Captured, 0))));
            return wrong;
        }
        let expected = (Some(OrderStatus::Failed), Some(Stage::Ended), Some(State::Failed), (0, 1), 0);
        let mut wrong = differs(found, expected);
        wrong.extend(match self.paid() {
            None | Some((PaymentState::Voided, 0)) => Vec::new(),
            left => vec![format!("the payment is {left:?}")],
        });
        wrong
    }
}

impl SagaWorld for World<Cancellation> {
    type Saga = Cancellation;

    async fn open(&self) -> Db {
        let cancelled = Cancelled {
            order: self.order,
            by: None,
            reason: "enough".to_owned(),
            giving_back: Some(self.params().giving_back),
        };
        self.open_with(self.sold(OrderEvent::Cancelled(cancelled)), State::Complete).await
    }

    fn flow(&self, db: &Db) -> Cancellation {
        Cancellation::new(self.app(db))
    }

    fn params(&self) -> CancellationParams {
        let giving_back = GivingBack { refund: self.refund, amount: eur(TOTAL), lines: self.lines() };
        let (order, checkout, reason) = (self.order, self.checkout, "enough".to_owned());
        CancellationParams { order, checkout, giving_back, reason }
    }

    async fn audit(&self, db: &Db, _: Uuid, _: Phase) -> Vec<String> {
        let order = self.order(db).await;
        let row = checkout::find(db, self.checkout).await.unwrap().map(|row| (row.state, row.refunded));
        let found = (order.is_processing(), row, self.paid(), self.gone());
        let (reversed, refunded) = (State::Reversed, (PaymentState::Refunded, TOTAL));
        differs(found, (false, Some((reversed, eur(TOTAL))), Some(refunded), 0))
    }
}

impl SagaWorld for World<Refund> {
    type Saga = Refund;

    async fn open(&self) -> Db {
        let asked = OrderEvent::RefundAsked(self.params().asked);
        self.open_with(self.sold(asked), State::Complete).await
    }

    fn flow(&self, db: &Db) -> Refund {
        Refund::new(self.app(db))
    }

    fn params(&self) -> RefundParams {
        let restock = vec![ReserveLine { product: self.product, quantity: 1 }];
        let (order, refund, by, reason) = (self.order, self.refund, self.user, "broken".to_owned());
        let asked = RefundAsked { order, refund, by, amount: eur(400), restock, reason };
        RefundParams { checkout: self.checkout, asked }
    }

    async fn audit(&self, db: &Db, _: Uuid, _: Phase) -> Vec<String> {
        let order = self.order(db).await;
        let row = checkout::find(db, self.checkout).await.unwrap().map(|row| row.refunded);
        let told = self.told(db, "order.refunded").await;
        let found = (order.refunded().ok(), row, told, self.paid(), self.gone());
        let refunded = Some((PaymentState::PartiallyRefunded, 400));
        differs(found, (Some(eur(400)), Some(eur(400)), 1, refunded, 1))
    }
}

async fn prove<S: Saga>(prepare: impl Fn(&World<S>))
where
    World<S>: SagaWorld,
{
    let peers = Peers::start().await;
    prove_saga(async || {
        let world = World::new(peers.clone());
        prepare(&world);
        world
    })
    .await;
}

#[tokio::test]
async fn a_checkout_sells_or_leaves_nothing_whatever_goes_wrong() {
    prove::<Checkout>(|_| ()).await;
}

#[tokio::test]
async fn what_was_called_off_is_given_back_once_whatever_goes_wrong() {
    prove::<Cancellation>(World::sell).await;
}

#[tokio::test]
async fn a_refund_gives_back_once_whatever_goes_wrong() {
    prove::<Refund>(World::sell).await;
}
