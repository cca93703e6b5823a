//! Running payments, and who pays.

use contract::identity::Role;
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::money::{Currency, Money};
use contract::payments::{Authorize, MethodToken, Payment, PaymentsClient};
use payments::Payments;
use std::time::Duration;
use testkit::{Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

/// Which provider a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sandbox,
}

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) kind: Kind,
    issuer: Issuer,
}

/// Somebody with an access token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
}

/// Settings under which tests are quick.
pub(crate) fn setup() -> Setup {
    Setup::of::<Payments>()
        .set("BOWLINE_PAYMENTS__ANSWER_WITHIN_MS", "300")
        .set("BOWLINE_PAYMENTS__PROVIDER_TIMEOUT_MS", "500")
        .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
}

impl Bench {
    pub(crate) async fn start(engine: Engine, kind: Kind) -> Option<Self> {
        Self::start_with(setup(), engine, kind).await
    }

    pub(crate) async fn start_with(setup: Setup, engine: Engine, kind: Kind) -> Option<Self> {
        let issuer = Issuer::new();
        let service = setup.and::<FakeAuth>().issuer(&issuer).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, kind, issuer })
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
    }

    /// The token of a card that behaves like this.
    pub(crate) fn card(&self, behaviour: Card) -> MethodToken {
        let token = match (self.kind, behaviour) {
            (Kind::Sandbox, Card::Good) => "pm_card_visa",
            (Kind::Sandbox, Card::Declined) => "pm_card_declined",
            (Kind::Sandbox, Card::Poor) => "pm_card_insufficient_funds",
        };
        MethodToken(token.to_owned())
    }

    /// What a checkout with this card asks for.
    pub(crate) fn asks(&self, behaviour: Card) -> Authorize {
        Authorize {
            order: OrderId::new(),
            user: UserId::new(),
            amount: eur(4_999),
            method: self.card(behaviour),
        }
    }

    /// An authorised payment.
    pub(crate) async fn authorized(&self) -> Payment {
        self.peer().authorize(CheckoutId::new(), &self.asks(Card::Good)).await.unwrap()
    }
}

/// How a card behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    Good,
    Declined,
    Poor,
}

pub(crate) fn eur(cents: i64) -> Money {
    Money::new(cents, Currency::EUR)
}
