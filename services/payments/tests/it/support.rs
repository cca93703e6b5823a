//! Running payments on either provider, and who pays.

use crate::fake_orders::FakeOrders;
use crate::stripe_double::{Fault, KEY, StripeDouble};
use chassis::clock::Ts;
use chassis::db::q;
use contract::ErrorCode;
use contract::client::CallError;
use contract::identity::Role;
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::money::{Currency, Money};
use contract::payments::{Authorize, MethodToken, Payment, PaymentState, PaymentsClient};
use http::Method;
use payments::Payments;
use payments::domain::signature::sign;
use secrecy::SecretString;
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

/// Which provider a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sandbox,
    Stripe,
}

pub(crate) const WEBHOOK_SECRET: &str = "whsec_for_tests";

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) kind: Kind,
    pub(crate) stripe: StripeDouble,
    issuer: Issuer,
}

/// Somebody with an access token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
}

/// Settings under which whoever asks gets the provider's answer, however busy the machine.
fn setup() -> Setup {
    Setup::of::<Payments>()
        .set("BOWLINE_PAYMENTS__ANSWER_WITHIN_MS", "20000")
        .set("BOWLINE_PAYMENTS__PROVIDER_TIMEOUT_MS", "20000")
        .set("BOWLINE_PAYMENTS__SANDBOX_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .set("BOWLINE_PAYMENTS__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .set("BOWLINE_PAYMENTS__STRIPE_SECRET_KEY", KEY)
        .set("BOWLINE_PAYMENTS__STRIPE_RETURN_URL", "https://shop.example.org/back")
        .set("BOWLINE_PAYMENTS__RECONCILE_SECS", "60")
        .set("BOWLINE_JOBS__POLL_MS", "50")
        .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
}

/// Settings for a provider that is slow or silent: who asks is told soon that nobody knows yet, and only then the provider
/// is asked again.
pub(crate) fn impatient() -> Setup {
    setup()
        .set("BOWLINE_PAYMENTS__ANSWER_WITHIN_MS", "2000")
        .set("BOWLINE_PAYMENTS__PROVIDER_TIMEOUT_MS", "3000")
}

impl Bench {
    pub(crate) async fn start(engine: Engine, kind: Kind) -> Option<Self> {
        Self::start_with(setup(), engine, kind).await
    }

    pub(crate) async fn start_with(setup: Setup, engine: Engine, kind: Kind) -> Option<Self> {
        let (issuer, stripe) = (Issuer::new(), StripeDouble::start().await);
        let name = if kind == Kind::Stripe { "stripe" } else { "sandbox" };
        let setup = setup
            .set("BOWLINE_PAYMENTS__PROVIDER", name)
            .set("BOWLINE_PAYMENTS__STRIPE_API_BASE", stripe.url.clone());
        let service = setup.and::<FakeAuth>().and::<FakeOrders>().issuer(&issuer).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        stripe.live_by(service.clock());
        Some(Self { service, kind, stripe, issuer })
    }

    /// Payments as another service speaks to them.
    pub(crate) fn peer(&self) -> PaymentsClient {
        PaymentsClient::new(self.service.assembled().shared().peer("payments").unwrap().caller())
    }

    pub(crate) fn person(&self, role: Role) -> Person {
        let claims = self.issuer.claims(self.service.clock(), &[Role::User, role]);
        Person { id: claims.sub, client: self.service.client().bearer(&self.issuer.sign(&claims)) }
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
        self.stripe.tick();
    }

    /// The token of a card that behaves like this from now on.
    pub(crate) fn card(&self, behaviour: Card) -> MethodToken {
        let token = match (self.kind, behaviour) {
            (Kind::Sandbox, Card::Good) => "pm_card_visa",
            (Kind::Sandbox, Card::Declined) => "pm_card_declined",
            (Kind::Sandbox, Card::Poor) => "pm_card_insufficient_funds",
            (Kind::Sandbox, Card::Careful) => "pm_card_authentication_required",
            (Kind::Sandbox, Card::Slow) => "pm_card_slow",
            (Kind::Sandbox, Card::Silent) => "pm_card_timeout_after_charge",
            (Kind::Sandbox, Card::SilentCapture) => "pm_card_capture_timeout",
            (Kind::Sandbox, Card::Broken) => "pm_card_error",
            (Kind::Sandbox, Card::KeepsIt) => "pm_card_refund_declined",
            (Kind::Stripe, Card::Good) => "pm_card_visa",
            (Kind::Stripe, Card::Declined) => "pm_card_chargeDeclined",
            (Kind::Stripe, Card::Poor) => "pm_card_chargeDeclinedInsufficientFunds",
            (Kind::Stripe, Card::Careful) => "pm_card_authenticationRequired",
            (Kind::Stripe, Card::Slow) => "pm_card_processing",
            (Kind::Stripe, Card::KeepsIt) => "pm_card_refundDeclined",
            (Kind::Stripe, Card::Silent | Card::SilentCapture | Card::Broken) => {
                let (operation, fault) = match behaviour {
                    Card::Silent => ("create", Fault::Silent),
                    Card::SilentCapture => ("capture", Fault::Silent),
                    _ => ("create", Fault::Broken),
                };
                self.stripe.fail(operation, fault);
                "pm_card_visa"
            }
        };
        MethodToken(token.to_owned())
    }

    /// What a checkout with this card asks for.
    pub(crate) fn asks(&self, behaviour: Card) -> Authorize {
        self.asks_for(UserId::new(), behaviour)
    }

    pub(crate) fn asks_for(&self, user: UserId, behaviour: Card) -> Authorize {
        Authorize { order: OrderId::new(), user, amount: eur(4_999), method: self.card(behaviour) }
    }

    /// A payment as it stands after it was begun.
    pub(crate) async fn begun(&self, behaviour: Card) -> Payment {
        self.peer().authorize(CheckoutId::new(), &self.asks(behaviour)).await.unwrap()
    }

    /// An authorised payment.
    pub(crate) async fn authorized(&self) -> Payment {
        let kept = self.begun(Card::Good).await;
        assert_eq!(kept.state, PaymentState::Authorized);
        kept
    }

    /// A payment that was taken.
    pub(crate) async fn captured(&self) -> Payment {
        let kept = self.authorized().await;
        self.peer().capture(kept.id).await.unwrap()
    }

    /// Waits until a payment stands here, while time passes.
    pub(crate) async fn comes_to(&self, id: CheckoutId, state: PaymentState) -> Payment {
        eventually(|| async {
            self.pass(1);
            let now = self.peer().payment(id).await.unwrap();
            if now.state == state { Ok(now) } else { Err(now) }
        })
        .await
    }

    /// The slow card answers.
    pub(crate) async fn ripens(&self, id: CheckoutId) {
        match self.kind {
            Kind::Sandbox => self.pass(10),
            Kind::Stripe => {
                self.stripe.turn(&id.to_string(), "requires_capture");
                self.bring_webhooks(1).await;
            }
        }
    }

    /// The buyer proves it.
    pub(crate) fn proves(&self, id: CheckoutId) {
        if self.kind == Kind::Stripe {
            self.stripe.turn(&id.to_string(), "requires_capture");
        }
    }

    /// Brings what Stripe has to tell, each so often.
    pub(crate) async fn bring_webhooks(&self, times: usize) {
        for event in self.stripe.events() {
            for _ in 0..times {
                self.webhook(&event.to_string()).await.expect(204);
            }
        }
    }

    /// A webhook with the right signature.
    pub(crate) async fn webhook(&self, body: &str) -> Answer {
        let signature = self.signature(body, self.service.clock().now());
        self.webhook_signed(body, &signature).await
    }

    pub(crate) fn signature(&self, body: &str, at: Ts) -> String {
        sign(&SecretString::from(WEBHOOK_SECRET), body.as_bytes(), at)
    }

    pub(crate) async fn webhook_signed(&self, body: &str, signature: &str) -> Answer {
        let (path, header) = match self.kind {
            Kind::Sandbox => ("/api/v1/payments/webhooks/sandbox", "sandbox-signature"),
            Kind::Stripe => ("/api/v1/payments/webhooks/stripe", "stripe-signature"),
        };
        let client = self.service.client();
        let ask = client.request(Method::POST, path).header(header, signature);
        ask.body("application/json", body.to_owned()).send().await
    }

    /// The charges that the provider has for a payment: how each stands, what was taken and given back.
    pub(crate) async fn charges(&self, id: CheckoutId) -> Vec<(String, i64, i64)> {
        if self.kind == Kind::Stripe {
            let names = [("requires_capture", "authorized"), ("succeeded", "captured")];
            let named = |status: String| {
                let name = names.iter().find(|(stripe, _)| *stripe == status);
                name.map_or(status.clone(), |(_, own)| (*own).to_owned())
            };
            let all = self.stripe.charges(&id.to_string());
            return all.into_iter().map(|(_, status, taken, back)| (named(status), taken, back)).collect();
        }
        let db = self.service.db("payments");
        let sql =
            "SELECT state, captured, refunded FROM sandbox_charge WHERE checkout = $1 ORDER BY created_at";
        q!(db.read, fetch_all, sql, id.uuid()).unwrap()
    }

    /// Every rule over the books holds.
    pub(crate) async fn audit(&self) {
        let findings = self.service.assembled().books().audit().await;
        assert!(findings.iter().filter(|finding| finding.service == "payments").count() >= 3);
        for finding in findings {
            assert!(finding.holds(), "{finding:?}");
        }
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.service.db("payments");
        q!(db.read, scalar, sql).unwrap()
    }
}

/// How a card behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    Good,
    Declined,
    Poor,
    /// The buyer has to prove something.
    Careful,
    /// Answers later.
    Slow,
    /// The amount is kept, and nobody is told.
    Silent,
    /// The amount is taken, and nobody is told.
    SilentCapture,
    /// The provider fails once.
    Broken,
    /// Takes no money back.
    KeepsIt,
}

pub(crate) fn eur(cents: i64) -> Money {
    Money::new(cents, Currency::EUR)
}

pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> ErrorCode {
    match outcome {
        Err(CallError::Refused(detail)) => detail.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Makes tests of `async fn(Engine, Kind)`: one for each engine and provider.
macro_rules! on_every_provider {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::support::Kind;
            use testkit::Engine;

            #[tokio::test]
            async fn sandbox_on_sqlite() {
                super::$name(Engine::Sqlite, Kind::Sandbox).await;
            }

            #[tokio::test]
            async fn sandbox_on_postgres() {
                super::$name(Engine::Postgres, Kind::Sandbox).await;
            }

            #[tokio::test]
            async fn stripe_on_sqlite() {
                super::$name(Engine::Sqlite, Kind::Stripe).await;
            }

            #[tokio::test]
            async fn stripe_on_postgres() {
                super::$name(Engine::Postgres, Kind::Stripe).await;
            }
        }
    )+};
}
pub(crate) use on_every_provider;
