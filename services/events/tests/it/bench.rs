//! A running events service, organisations with people in them, and a bus on which the test publishes and listens.

use chassis::bus::{Bus, BusConfig, Record};
use chassis::clock::Clock;
use chassis::db::Synchronous;
use contract::event::{CloudEvent, topic_of};
use contract::events::{Event, EventStep};
use contract::identity::{Membership, OrganizationRole, Role};
use contract::ids::{OrganizationId, UserId};
use events::Events;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use uuid::Uuid;

pub(crate) const EVENTS: &str = "/api/v1/events";

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
    bus: Bus,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
}

/// The people of an organisation.
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) ada: Person,
    pub(crate) bob: Person,
    pub(crate) moderator: Person,
    pub(crate) second: Person,
    pub(crate) admin: Person,
    pub(crate) owner: Person,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |setup| setup).await
    }

    pub(crate) async fn start_with(engine: Engine, more: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Events>().and::<FakeAuth>().issuer(&issuer);
        let setup = setup.set("BOWLINE_DELIVERY__POLL_MS", "10").set("BOWLINE_JOBS__POLL_MS", "20");
        let service = more(setup).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        let folder = service.folder().join("data");
        let bus =
            Bus::open(&BusConfig::default(), &folder, Synchronous::Normal, Clock::system()).await.unwrap();
        Some(Self { service, issuer, bus })
    }

    /// Somebody else each time, with these roles on the platform and in organisations.
    pub(crate) fn person(
        &self,
        roles: &[Role],
        memberships: &[(OrganizationId, OrganizationRole)],
    ) -> Person {
        self.again(UserId::new(), roles, memberships)
    }

    /// The same person with another token.
    pub(crate) fn again(
        &self,
        id: UserId,
        roles: &[Role],
        memberships: &[(OrganizationId, OrganizationRole)],
    ) -> Person {
        let orgs = memberships.iter().map(|(id, role)| Membership { id: *id, role: *role }).collect();
        let claims =
            contract::identity::Claims { sub: id, orgs, ..self.issuer.claims(self.service.clock(), roles) };
        for (organization, role) in memberships {
            self.issuer.enroll(*organization, id, Some(*role));
        }
        Person { id, client: self.service.client().bearer(&self.issuer.sign(&claims)) }
    }

    pub(crate) fn member(&self, organization: OrganizationId, role: OrganizationRole) -> Person {
        self.person(&[Role::User], &[(organization, role)])
    }

    /// Another organisation each time, with somebody of each role.
    pub(crate) fn organization(&self) -> Organization {
        let id = OrganizationId::new();
        let of = |role| self.member(id, role);
        Organization {
            id,
            ada: of(OrganizationRole::Member),
            bob: of(OrganizationRole::Member),
            moderator: of(OrganizationRole::Moderator),
            second: of(OrganizationRole::Moderator),
            admin: of(OrganizationRole::Admin),
            owner: of(OrganizationRole::Owner),
        }
    }

    /// Publishes an event as its service would.
    pub(crate) async fn publish<E: contract::event::Event>(&self, event: &E) {
        let (id, time) = (Uuid::now_v7(), self.service.clock().now().to_datetime());
        let body = CloudEvent::of(event, id, "/test", time).unwrap().to_json().unwrap().into();
        let record = Record { topic: topic_of(E::TYPE).into(), key: event.key().into(), id, body };
        assert!(self.bus.publish(&[record]).await.iter().all(Result::is_ok));
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }

    pub(crate) async fn holds(&self) {
        for finding in self.service.assembled().books().audit().await {
            assert!(finding.holds(), "{finding:?}");
        }
    }
}

/// What makes an event of an organisation.
pub(crate) fn fair(organization: OrganizationId) -> Value {
    json!({
        "organizationId": organization,
        "title": "Summer fair",
        "description": "Stalls, music and a tombola in the yard.",
        "startDate": "2030-06-01T10:00:00Z",
        "endDate": "2030-06-01T18:00:00Z",
    })
}

pub(crate) fn with(mut body: Value, more: Value) -> Value {
    let (Value::Object(all), Value::Object(more)) = (&mut body, more) else { panic!("objects") };
    all.extend(more);
    body
}

pub(crate) fn at(event: &Event, rest: &str) -> String {
    format!("{EVENTS}/{}{rest}", event.id)
}

pub(crate) fn why() -> Value {
    json!({"reason": "Say who is responsible."})
}

impl Person {
    pub(crate) async fn make(&self, body: Value) -> Event {
        self.client.post(EVENTS, body).await.expect(201).data()
    }

    /// Takes a step with an event.
    pub(crate) async fn try_step(&self, event: &Event, verb: &str) -> Answer {
        let body = if verb == "reject" { why() } else { json!({}) };
        self.client.post(&at(event, &format!("/{verb}")), body).await
    }

    pub(crate) async fn step(&self, event: &Event, verb: &str) -> Event {
        self.try_step(event, verb).await.expect(200).data()
    }

    pub(crate) async fn change(&self, event: &Event, change: Value) -> Answer {
        self.client.patch(&at(event, ""), change).await
    }

    pub(crate) async fn read(&self, event: &Event) -> Event {
        self.client.get(&at(event, "")).await.expect(200).data()
    }

    pub(crate) async fn history(&self, event: &Event) -> Vec<EventStep> {
        self.client.get(&at(event, "/history")).await.expect(200).data()
    }

    /// The titles of a list, in its order.
    pub(crate) async fn titles(&self, query: &str) -> Vec<String> {
        let events: Vec<Event> = self.client.get(&format!("{EVENTS}?{query}")).await.expect(200).data();
        events.into_iter().map(|event| event.title).collect()
    }
}

impl Organization {
    /// An event of Ada's that stands there.
    pub(crate) async fn event(&self, status: &str) -> Event {
        let event = self.ada.make(fair(self.id)).await;
        let way: &[(&Person, &str)] = match status {
            "DRAFT" => &[],
            "SUBMITTED" => &[(&self.ada, "submit")],
            "APPROVED" => &[(&self.ada, "submit"), (&self.moderator, "approve")],
            "REJECTED" => &[(&self.ada, "submit"), (&self.moderator, "reject")],
            other => panic!("{other}"),
        };
        let mut now = event;
        for (who, verb) in way {
            now = who.step(&now, verb).await;
        }
        assert_eq!(now.status.as_str(), status);
        now
    }
}
