//! A double of Stripe, written from what Stripe documents: PaymentIntents with manual capture, refunds, lists, idempotency keys
//! that keep every answer (also one of 500), errors with their object, events. It listens on a port of its own.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::Response;
use chassis::clock::Clock;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const KEY: &str = "sk_test_double";

/// What goes wrong with the next request of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes effect, and the answer never comes.
    Silent,
    /// It has no effect, and is answered 500; the answer is kept under the key.
    Broken,
    /// It takes effect, and is answered 500; the answer is kept under the key.
    BrokenAfter,
    /// It has no effect: too many requests.
    Busy,
}

#[derive(Default)]
struct Books {
    intents: Vec<Value>,
    /// What was given back of a PaymentIntent.
    refunded: HashMap<String, i64>,
    refunds: Vec<Value>,
    /// Path and form, status and answer of each key.
    keys: HashMap<String, (String, u16, Value)>,
    faults: Vec<(&'static str, Fault)>,
    events: Vec<Value>,
    asked: Vec<String>,
    count: u64,
    now: i64,
}

/// A running double.
pub(crate) struct StripeDouble {
    pub(crate) url: String,
    books: Arc<Mutex<Books>>,
    clock: Mutex<Option<Clock>>,
    _server: JoinSet<()>,
}

type Form = BTreeMap<String, String>;
/// Status, answer, and whether the execution began, from where on it is kept under the key.
type Outcome = (u16, Value, bool);

impl StripeDouble {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Books::default()));
        let router = Router::new().fallback(answer).with_state(books.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, books, clock: Mutex::new(None), _server: server }
    }

    /// Lives by this clock from now on.
    pub(crate) fn live_by(&self, clock: &Clock) {
        *self.clock.lock().unwrap() = Some(clock.clone());
        self.tick();
    }

    pub(crate) fn tick(&self) {
        if let Some(clock) = &*self.clock.lock().unwrap() {
            self.books.lock().unwrap().now = clock.now().secs();
        }
    }

    /// The next request of this kind goes wrong.
    pub(crate) fn fail(&self, operation: &'static str, fault: Fault) {
        self.books.lock().unwrap().faults.push((operation, fault));
    }

    /// The charges of a checkout: id, status, amount received, amount refunded.
    pub(crate) fn charges(&self, checkout: &str) -> Vec<(String, String, i64, i64)> {
        let books = self.books.lock().unwrap();
        let of = |intent: &&Value| intent["metadata"]["checkout"] == checkout;
        let short = |intent: &Value| {
            let id = text(intent, "id");
            let refunded = books.refunded.get(&id).copied().unwrap_or_default();
            (id, text(intent, "status"), intent["amount_received"].as_i64().unwrap(), refunded)
        };
        books.intents.iter().filter(of).map(short).collect()
    }

    /// A PaymentIntent is changed in the dashboard, or by the buyer's browser, or in time.
    pub(crate) fn turn(&self, checkout: &str, status: &str) {
        let mut books = self.books.lock().unwrap();
        let place = books.intents.iter().position(|one| one["metadata"]["checkout"] == checkout).unwrap();
        books.turn(place, status);
    }

    /// Money is given back in the dashboard.
    pub(crate) fn give_back(&self, checkout: &str, amount: i64) {
        let id = self.charges(checkout)[0].0.clone();
        *self.books.lock().unwrap().refunded.entry(id).or_default() += amount;
    }

    /// A charge that was made by nobody knows whom.
    pub(crate) fn plant(&self, checkout: &str, amount: i64, status: &str) {
        let form = [("amount", amount.to_string()), ("currency", "eur".to_owned())];
        let mut form: Form = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        form.insert("metadata[checkout]".to_owned(), checkout.to_owned());
        let mut books = self.books.lock().unwrap();
        let intent = books.new_intent(&form, amount);
        books.intents.push(intent);
        let place = books.intents.len() - 1;
        books.turn(place, status);
    }

    /// Forgets a charge.
    pub(crate) fn lose(&self, checkout: &str) {
        self.books.lock().unwrap().intents.retain(|one| one["metadata"]["checkout"] != checkout);
    }

    /// Ends refunds that are on their way.
    pub(crate) fn settle_refunds(&self) {
        let mut books = self.books.lock().unwrap();
        let mut refunds = std::mem::take(&mut books.refunds);
        for refund in refunds.iter_mut().filter(|refund| refund["status"] == "pending") {
            refund["status"] = json!("succeeded");
            books.event("refund.updated", refund.clone());
        }
        books.refunds = refunds;
    }

    /// The events since the last time.
    pub(crate) fn events(&self) -> Vec<Value> {
        std::mem::take(&mut self.books.lock().unwrap().events)
    }

    /// What was asked: method, path, and the key.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.books.lock().unwrap().asked.clone()
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Outcome {
    let error = json!({"type": kind, "code": code, "message": message});
    (status, json!({"error": error}), false)
}

async fn answer(Shared(books): Shared<Arc<Mutex<Books>>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = parts.uri.query().unwrap_or_default().as_bytes().to_vec();
    let encoded = if parts.method == Method::POST { body.to_vec() } else { query };
    let form: Form = form_urlencoded::parse(&encoded).into_owned().collect();
    let (path, key) = (parts.uri.path().to_owned(), header("idempotency-key"));
    let (fault, outcome) = {
        let mut books = books.lock().unwrap();
        books.asked.push(format!("{} {path} {}", parts.method, key.clone().unwrap_or_default()));
        let allowed = header("authorization") == Some(format!("Bearer {KEY}"));
        match allowed {
            false => (None, error(401, "invalid_request_error", "api_key", "Invalid API Key provided")),
            true if header("stripe-version").is_none() => {
                (None, error(400, "invalid_request_error", "version", "no version"))
            }
            true => books.take(&parts.method, &path, &form, key),
        }
    };
    if fault == Some(Fault::Silent) {
        std::future::pending::<()>().await;
    }
    let (status, answer, _) = outcome;
    let mut response = Response::new(Body::from(answer.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

impl Books {
    /// Takes a request: the same one again gets the answer of the first time.
    fn take(
        &mut self,
        method: &Method,
        path: &str,
        form: &Form,
        key: Option<String>,
    ) -> (Option<Fault>, Outcome) {
        let asked = format!("{method} {path} {form:?}");
        if let Some((before, status, answer)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return (
                None,
                match *before == asked {
                    true => (*status, answer.clone(), true),
                    false => error(
                        400,
                        "idempotency_error",
                        "",
                        "Keys for idempotent requests can only be used with the same parameters",
                    ),
                },
            );
        }
        let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let operation = match (method == Method::POST, segments.as_slice()) {
            (true, ["payment_intents"]) => "create",
            (true, ["payment_intents", _, "capture"]) => "capture",
            (true, ["payment_intents", _, "cancel"]) => "cancel",
            (true, ["refunds"]) => "refund",
            (false, _) => "read",
            _ => "unknown",
        };
        let fault =
            self.faults.iter().position(|(of, _)| *of == operation).map(|at| self.faults.remove(at).1);
        let broken =
            || (500, json!({"error": {"type": "api_error", "message": "Something went wrong"}}), true);
        let outcome = match fault {
            Some(Fault::Busy) => error(429, "invalid_request_error", "rate_limit", "Too many requests"),
            Some(Fault::Broken) => broken(),
            Some(Fault::BrokenAfter) => {
                self.execute(operation, &segments, form);
                broken()
            }
            Some(Fault::Silent) | None => self.execute(operation, &segments, form),
        };
        if let (Some(key), true) = (key, outcome.2) {
            self.keys.insert(key, (asked, outcome.0, outcome.1.clone()));
        }
        (fault, outcome)
    }

    fn execute(&mut self, operation: &str, segments: &[&str], form: &Form) -> Outcome {
        match (operation, segments) {
            ("create", _) => self.create(form),
            ("capture", [_, id, _]) => self.change(id, &["requires_capture"], "succeeded", form),
            ("cancel", [_, id, _]) => {
                let from = [
                    "requires_payment_method",
                    "requires_capture",
                    "requires_confirmation",
                    "requires_action",
                    "processing",
                ];
                self.change(id, &from, "canceled", form)
            }
            ("refund", _) => self.refund(form),
            ("read", ["payment_intents"]) => self.list(form),
            ("read", ["payment_intents", id]) => match self.intents.iter().find(|one| one["id"] == *id) {
                Some(intent) => (200, self.shown(intent, form), true),
                None => error(404, "invalid_request_error", "resource_missing", "No such payment_intent"),
            },
            ("read", ["refunds"]) => {
                let of = |refund: &&Value| refund["payment_intent"] == form["payment_intent"].as_str();
                let data: Vec<&Value> = self.refunds.iter().filter(of).collect();
                (200, json!({"object": "list", "has_more": false, "data": data}), true)
            }
            ("read", ["refunds", id]) => match self.refunds.iter().find(|one| one["id"] == *id) {
                Some(refund) => (200, refund.clone(), true),
                None => error(404, "invalid_request_error", "resource_missing", "No such refund"),
            },
            _ => error(404, "invalid_request_error", "url", "Unrecognized request URL"),
        }
    }

    fn id(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_{:08}", self.count)
    }

    fn event(&mut self, kind: &str, object: Value) {
        let id = self.id("evt");
        self.events.push(json!({"id": id, "object": "event", "type": kind, "created": self.now, "data": {"object": object}}));
    }

    fn new_intent(&mut self, form: &Form, amount: i64) -> Value {
        let (id, charge) = (self.id("pi"), self.id("ch"));
        let metadata: BTreeMap<&str, &str> = form
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix("metadata[")?.strip_suffix(']')?, value.as_str()))
            })
            .collect();
        json!({
            "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
            "currency": form["currency"], "status": "requires_payment_method", "created": self.now,
            "client_secret": format!("{id}_secret_x"), "capture_method": form.get("capture_method"),
            "metadata": metadata, "last_payment_error": null, "next_action": null, "latest_charge": charge,
        })
    }

    fn create(&mut self, form: &Form) -> Outcome {
        const KNOWN: [&str; 10] = [
            "amount",
            "currency",
            "capture_method",
            "confirm",
            "payment_method",
            "payment_method_types[]",
            "return_url",
            "expand[]",
            "metadata[checkout]",
            "metadata[order]",
        ];
        if form.keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return error(400, "invalid_request_error", "parameter_unknown", "Received unknown parameter");
        }
        let amount =
            form.get("amount").and_then(|text| text.parse::<i64>().ok()).filter(|amount| *amount > 0);
        let Some(amount) = amount else {
            return error(400, "invalid_request_error", "parameter_invalid_integer", "Invalid integer");
        };
        assert_eq!(form["capture_method"], "manual");
        let card = form["payment_method"].as_str();
        let status = match card {
            "pm_card_visa" | "pm_card_pendingRefund" | "pm_card_refundDeclined" => "requires_capture",
            "pm_card_chargeDeclined" | "pm_card_chargeDeclinedInsufficientFunds" => "requires_payment_method",
            "pm_card_authenticationRequired" => "requires_action",
            "pm_card_processing" => "processing",
            // A real answer quotes the token.
            _ => {
                return error(
                    400,
                    "invalid_request_error",
                    "resource_missing",
                    &format!("No such PaymentMethod: '{card}'"),
                );
            }
        };
        let mut intent = self.new_intent(form, amount);
        self.event("payment_intent.created", intent.clone());
        intent["payment_method"] = json!(card);
        if status == "requires_action" {
            intent["next_action"] = match form.get("return_url") {
                Some(back) => {
                    json!({"type": "redirect_to_url", "redirect_to_url": {"url": format!("https://hooks.stripe.com/3d_secure?back={back}"), "return_url": back}})
                }
                None => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}}),
            };
        }
        let poor = card == "pm_card_chargeDeclinedInsufficientFunds";
        let message = if poor { "Your card has insufficient funds." } else { "Your card was declined." };
        if status == "requires_payment_method" {
            intent["last_payment_error"] =
                json!({"type": "card_error", "code": "card_declined", "message": message});
        }
        self.intents.push(intent);
        let place = self.intents.len() - 1;
        self.turn(place, status);
        let shown = self.shown(&self.intents[place], form);
        match status {
            "requires_payment_method" => {
                let error = json!({"type": "card_error", "code": "card_declined", "message": message, "payment_intent": shown});
                (402, json!({"error": error}), true)
            }
            _ => (200, shown, true),
        }
    }

    /// Moves a PaymentIntent and tells of it.
    fn turn(&mut self, place: usize, status: &str) {
        let intent = &mut self.intents[place];
        intent["status"] = json!(status);
        let amount = intent["amount"].clone();
        intent["amount_capturable"] = if status == "requires_capture" { amount.clone() } else { json!(0) };
        if status == "succeeded" {
            intent["amount_received"] = amount;
        }
        if status != "requires_action" {
            intent["next_action"] = Value::Null;
        }
        let kind = match status {
            "requires_capture" => "payment_intent.amount_capturable_updated",
            "requires_action" => "payment_intent.requires_action",
            "requires_payment_method" => "payment_intent.payment_failed",
            "succeeded" => "payment_intent.succeeded",
            "canceled" => "payment_intent.canceled",
            _ => "payment_intent.processing",
        };
        let snapshot = intent.clone();
        self.event(kind, snapshot);
    }

    fn change(&mut self, id: &str, from: &[&str], to: &str, form: &Form) -> Outcome {
        let Some(place) = self.intents.iter().position(|one| one["id"] == *id) else {
            return error(404, "invalid_request_error", "resource_missing", "No such payment_intent");
        };
        let status = text(&self.intents[place], "status");
        if !from.contains(&status.as_str()) {
            let (code, mut refused, _) = error(
                400,
                "invalid_request_error",
                "payment_intent_unexpected_state",
                &format!("This PaymentIntent could not be changed because it has a status of {status}."),
            );
            refused["error"]["payment_intent"] = self.shown(&self.intents[place], form);
            return (code, refused, true);
        }
        self.turn(place, to);
        (200, self.shown(&self.intents[place], form), true)
    }

    /// With the charge in it, where that was asked for.
    fn shown(&self, intent: &Value, form: &Form) -> Value {
        let mut shown = intent.clone();
        if form.get("expand[]").is_some_and(|expand| expand.ends_with("latest_charge")) {
            let refunded = self.refunded.get(&text(intent, "id")).copied().unwrap_or_default();
            shown["latest_charge"] =
                json!({"id": intent["latest_charge"], "object": "charge", "amount_refunded": refunded});
        }
        shown
    }

    fn refund(&mut self, form: &Form) -> Outcome {
        let Some(intent) =
            self.intents.iter().find(|one| one["id"] == form["payment_intent"].as_str()).cloned()
        else {
            return error(404, "invalid_request_error", "resource_missing", "No such payment_intent");
        };
        let (id, amount) = (text(&intent, "id"), form["amount"].parse::<i64>().unwrap());
        let refunded = self.refunded.get(&id).copied().unwrap_or_default();
        if refunded + amount > intent["amount_received"].as_i64().unwrap() {
            return error(
                400,
                "invalid_request_error",
                "",
                "Refund amount is greater than unrefunded amount on charge",
            );
        }
        let (status, reason) = match intent["payment_method"].as_str() {
            Some("pm_card_pendingRefund") => ("pending", Value::Null),
            Some("pm_card_refundDeclined") => ("failed", json!("declined")),
            _ => ("succeeded", Value::Null),
        };
        if status != "failed" {
            self.refunded.insert(id.clone(), refunded + amount);
        }
        let own = self.id("re");
        let refund = json!({"id": own, "object": "refund", "amount": amount, "currency": intent["currency"], "status": status,
            "payment_intent": id, "failure_reason": reason, "metadata": {"refund": form["metadata[refund]"]}});
        self.refunds.push(refund.clone());
        self.event("refund.created", refund.clone());
        (200, refund, true)
    }

    /// Newest first, as Stripe lists.
    fn list(&self, form: &Form) -> Outcome {
        let since: i64 = form.get("created[gte]").map_or(0, |text| text.parse().unwrap());
        let limit: usize = form["limit"].parse().unwrap();
        let fits = |intent: &&Value| intent["created"].as_i64().unwrap() >= since;
        let all: Vec<&Value> = self.intents.iter().rev().filter(fits).collect();
        let begin = match form.get("starting_after") {
            Some(after) => all.iter().position(|one| one["id"] == after.as_str()).unwrap() + 1,
            None => 0,
        };
        let page: Vec<Value> = all[begin..].iter().take(limit).map(|one| self.shown(one, form)).collect();
        let has_more = all.len() > begin + page.len();
        (200, json!({"object": "list", "has_more": has_more, "data": page}), true)
    }
}
