//! What surrounds the orders in these tests: a shelf of products, a warehouse and a bank, in memory. They keep the promises of
//! the internal API (the same checkout again is the same; what was undone before it was done stays undone), and they fail
//! when a test wants them to.

use chassis::error::{ApiError, ApiResult};
use contract::ErrorCode;
use contract::catalog::{Quote, QuoteRequest, Quoted};
use contract::ids::{CheckoutId, OrderId, ProductId, RefundId};
use contract::inventory::{Reservation, ReservationState, Reserve, ReserveLine, Restock};
use contract::money::{Currency, Money};
use contract::payments::{Authorize, Payment, PaymentState, Refund, RefundPayment, RefundState};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// The towns of this process, by the name under which the stand-ins find their own.
static TOWNS: Mutex<Option<HashMap<String, Town>>> = Mutex::new(None);

/// A town. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Town(Arc<(String, Mutex<Books>)>);

/// Everything that its people know.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) shelf: HashMap<ProductId, Quoted>,
    pub(crate) stock: HashMap<ProductId, u32>,
    pub(crate) reservations: HashMap<CheckoutId, Reservation>,
    pub(crate) restocks: HashMap<RefundId, Restock>,
    pub(crate) payments: HashMap<CheckoutId, Payment>,
    pub(crate) methods: HashMap<CheckoutId, String>,
    pub(crate) refunds: HashMap<RefundId, Refund>,
    /// How often each deed was asked for, by `service.deed`.
    pub(crate) asked: HashMap<String, usize>,
    /// Who gives no answer, by service or by `service.deed`.
    pub(crate) away: HashSet<String>,
    /// Whose answers are lost after the deed, as above.
    pub(crate) losing: HashSet<String>,
}

pub(crate) fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn away() -> ApiError {
    ApiError::unavailable(anyhow::anyhow!("told to be away"), Duration::from_secs(1))
}

fn no(code: ErrorCode, why: &'static str) -> ApiError {
    ApiError::new(code, why)
}

impl Town {
    pub(crate) fn new() -> Self {
        let name = Uuid::now_v7().to_string();
        let town = Self(Arc::new((name.clone(), Mutex::default())));
        lock(&TOWNS).get_or_insert_default().insert(name, town.clone());
        town
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        lock(&TOWNS).get_or_insert_default().get(name).cloned()
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.0
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.0.1)
    }

    /// Puts a product on the shelf, so many of it.
    pub(crate) fn put(&self, name: &str, cents: i64, pieces: u32) -> ProductId {
        let product = ProductId::new();
        let quoted = Quoted {
            product,
            sku: format!("SKU-{name}"),
            name: name.to_owned(),
            price: eur(cents),
            price_version: 1,
            active: true,
            category: None,
            image: None,
        };
        let mut books = self.books();
        books.shelf.insert(product, quoted);
        books.stock.insert(product, pieces);
        product
    }

    pub(crate) fn change(&self, product: ProductId, change: impl FnOnce(&mut Quoted)) {
        change(self.books().shelf.get_mut(&product).unwrap());
    }

    pub(crate) fn is_away(&self, who: &str, away: bool) {
        let mut books = self.books();
        if away {
            books.away.insert(who.to_owned())
        } else {
            books.away.remove(who)
        };
    }

    pub(crate) fn stock_of(&self, product: ProductId) -> u32 {
        self.books().stock.get(&product).copied().unwrap_or_default()
    }

    /// The state of every payment, with what was given back.
    pub(crate) fn payments(&self) -> Vec<(PaymentState, Money, Money)> {
        let books = self.books();
        let mut all: Vec<_> = books.payments.values().collect();
        all.sort_by_key(|payment| payment.id);
        all.into_iter().map(|payment| (payment.state, payment.amount, payment.refunded)).collect()
    }

    pub(crate) fn reservations(&self) -> Vec<ReservationState> {
        let books = self.books();
        let mut all: Vec<_> = books.reservations.values().collect();
        all.sort_by_key(|reservation| reservation.checkout);
        all.into_iter().map(|reservation| reservation.state).collect()
    }

    /// Does a deed, or what a test wants instead of it.
    pub(crate) fn does<T>(
        &self,
        who: &str,
        deed: &str,
        does: impl FnOnce(&mut Books) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let mut books = self.books();
        *books.asked.entry(format!("{who}.{deed}")).or_default() += 1;
        let named = |set: &HashSet<String>| set.contains(who) || set.contains(&format!("{who}.{deed}"));
        if named(&books.away) {
            return Err(away());
        }
        let done = does(&mut books)?;
        if named(&books.losing) { Err(away()) } else { Ok(done) }
    }
}

impl Books {
    pub(crate) fn quote(&self, request: &QuoteRequest) -> Quote {
        let found = request.products.iter().filter_map(|product| self.shelf.get(product)).cloned();
        Quote { products: found.collect() }
    }

    fn take(&mut self, lines: &[ReserveLine]) -> ApiResult<()> {
        let short =
            |line: &&ReserveLine| self.stock.get(&line.product).copied().unwrap_or_default() < line.quantity;
        if lines.iter().find(short).is_some() {
            return Err(no(ErrorCode::InsufficientStock, "There is not enough in stock."));
        }
        for line in lines {
            *self.stock.entry(line.product).or_default() -= line.quantity;
        }
        Ok(())
    }

    fn put_back(&mut self, lines: &[ReserveLine]) {
        for line in lines {
            *self.stock.entry(line.product).or_default() += line.quantity;
        }
    }

    pub(crate) fn reserve(&mut self, checkout: CheckoutId, body: &Reserve) -> ApiResult<Reservation> {
        if let Some(found) = self.reservations.get(&checkout) {
            return match found.state {
                ReservationState::Released | ReservationState::Expired => {
                    Err(no(ErrorCode::InvalidTransition, "It was let go."))
                }
                _ => Ok(found.clone()),
            };
        }
        self.take(&body.lines)?;
        Ok(self.note(checkout, body.order, body.lines.clone(), ReservationState::Active))
    }

    fn note(
        &mut self,
        checkout: CheckoutId,
        order: OrderId,
        lines: Vec<ReserveLine>,
        state: ReservationState,
    ) -> Reservation {
        let expires_at = OffsetDateTime::UNIX_EPOCH;
        let reservation = Reservation { checkout, order, state, lines, expires_at };
        self.reservations.insert(checkout, reservation.clone());
        reservation
    }

    /// Moves a reservation on; `None` for a state that does not allow it.
    pub(crate) fn moves(&mut self, checkout: CheckoutId, to: ReservationState) -> ApiResult<Reservation> {
        use ReservationState::{Active, Committed, Expired, Released, Secured};
        let Some(mut found) = self.reservations.get(&checkout).cloned() else {
            if to == Released {
                return Ok(self.note(checkout, OrderId(Uuid::nil()), Vec::new(), Released));
            }
            return Err(no(ErrorCode::NotFound, "There is no such reservation."));
        };
        match (found.state, to) {
            (same, to) if same == to => return Ok(found),
            (Active, Secured | Committed) | (Secured, Committed) => {}
            (Expired, Committed) => self.take(&found.lines.clone())?,
            (Active | Secured, Released | Expired) => self.put_back(&found.lines.clone()),
            (Expired, Released) => {}
            _ => return Err(no(ErrorCode::InvalidTransition, "It stands elsewhere.")),
        }
        found.state = to;
        self.reservations.insert(checkout, found.clone());
        Ok(found)
    }

    pub(crate) fn restock(&mut self, body: &Restock) -> ApiResult<()> {
        if self.restocks.insert(body.refund, body.clone()).is_none() {
            self.put_back(&body.lines);
        }
        Ok(())
    }

    pub(crate) fn authorize(&mut self, checkout: CheckoutId, body: &Authorize) -> ApiResult<Payment> {
        if let Some(found) = self.payments.get(&checkout) {
            return match found.state {
                PaymentState::Voided => Err(no(ErrorCode::InvalidTransition, "It was let go.")),
                _ => Ok(found.clone()),
            };
        }
        let (state, failure) = match body.method.0.as_str() {
            "pm_card_declined" => (PaymentState::Failed, Some("The card was declined.".to_owned())),
            "pm_card_slow" => (PaymentState::Pending, None),
            "pm_card_authentication_required" => (PaymentState::RequiresAction, None),
            _ => (PaymentState::Authorized, None),
        };
        self.methods.insert(checkout, body.method.0.clone());
        Ok(self.charge(checkout, body.order, body.amount, state, failure))
    }

    fn charge(
        &mut self,
        id: CheckoutId,
        order: OrderId,
        amount: Money,
        state: PaymentState,
        failure: Option<String>,
    ) -> Payment {
        let (refunded, next_action) = (Money::zero(amount.currency), None);
        let (created_at, updated_at) = (OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH);
        let payment =
            Payment { id, order, state, amount, refunded, failure, next_action, created_at, updated_at };
        self.payments.insert(id, payment.clone());
        payment
    }

    /// The provider answers, or the buyer has proved themselves.
    pub(crate) fn settles(&mut self, checkout: CheckoutId, state: PaymentState) -> Payment {
        let payment = self.payments.get_mut(&checkout).unwrap();
        payment.state = state;
        payment.clone()
    }

    pub(crate) fn capture(&mut self, checkout: CheckoutId) -> ApiResult<Payment> {
        let slow = self.methods.get(&checkout).is_some_and(|method| method == "pm_card_capture_slow");
        let payment =
            self.payments.get_mut(&checkout).ok_or_else(|| no(ErrorCode::NotFound, "There is none."))?;
        match payment.state {
            PaymentState::Authorized if slow => {}
            PaymentState::Authorized => payment.state = PaymentState::Captured,
            PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => {}
            _ => return Err(no(ErrorCode::InvalidTransition, "It stands elsewhere.")),
        }
        Ok(payment.clone())
    }

    pub(crate) fn void(&mut self, checkout: CheckoutId) -> ApiResult<Payment> {
        let Some(payment) = self.payments.get_mut(&checkout) else {
            let (order, nothing) = (OrderId(Uuid::nil()), eur(0));
            return Ok(self.charge(checkout, order, nothing, PaymentState::Voided, None));
        };
        match payment.state {
            PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => {
                return Err(no(ErrorCode::InvalidTransition, "It was taken."));
            }
            PaymentState::Failed => {}
            _ => payment.state = PaymentState::Voided,
        }
        Ok(payment.clone())
    }

    pub(crate) fn refund(
        &mut self,
        checkout: CheckoutId,
        id: RefundId,
        body: &RefundPayment,
    ) -> ApiResult<Refund> {
        if let Some(found) = self.refunds.get(&id) {
            return Ok(found.clone());
        }
        let payment =
            self.payments.get_mut(&checkout).ok_or_else(|| no(ErrorCode::NotFound, "There is none."))?;
        let refunded = payment.refunded.plus(body.amount).unwrap();
        if refunded.amount > payment.amount.amount {
            return Err(no(ErrorCode::RefundTooLarge, "That is more than is left."));
        }
        payment.refunded = refunded;
        let whole = refunded == payment.amount;
        payment.state = if whole { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
        let refund = Refund { id, payment: checkout, amount: body.amount, state: RefundState::Succeeded };
        self.refunds.insert(id, refund.clone());
        Ok(refund)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
