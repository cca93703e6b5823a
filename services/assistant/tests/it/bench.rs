//! A running assistant, people, and two doubles of providers.

use crate::model_double::{KEY, ModelDouble};
use assistant::Assistant;
use axum::body::Body;
use chassis::db::q;
use chassis::http::Caller;
use contract::assistant::{BudgetState, Conversation, Message};
use contract::identity::{Membership, OrganizationRole, Role};
use contract::ids::{ConversationId, OrganizationId, UserId};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use tokio::time::timeout;

pub(crate) const CONVERSATIONS: &str = "/api/v1/assistant/conversations";
/// Far longer than anything should take.
const LIMIT: Duration = Duration::from_secs(15);

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) first: ModelDouble,
    pub(crate) second: ModelDouble,
    issuer: Issuer,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
    pub(crate) token: String,
}

/// Settings under which tests are quick: a token that is sent costs one millionth, one that is written two; the second
/// provider is twice as dear.
pub(crate) fn setup() -> Setup {
    Setup::of::<Assistant>()
        .set("BOWLINE_ASSISTANT__DEADLINE_MS", "20000")
        .set("BOWLINE_ASSISTANT__FIRST_TOKEN_MS", "15000")
        .set("BOWLINE_ASSISTANT__MAX_ANSWER_TOKENS", "100")
        .set("BOWLINE_ASSISTANT__BREAKER_MINIMUM_CALLS", "1000")
        .set("BOWLINE_JOBS__POLL_MS", "20")
        .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(setup(), engine).await
    }

    pub(crate) async fn start_with(setup: Setup, engine: Engine) -> Option<Self> {
        let (issuer, first, second) = (Issuer::new(), ModelDouble::start().await, ModelDouble::start().await);
        let providers = format!(
            "first model-a {} 1000000 2000000, second model-b {} 2000000 4000000",
            first.url, second.url
        );
        let setup = setup
            .set("BOWLINE_ASSISTANT__PROVIDERS", providers)
            .set("BOWLINE_ASSISTANT__PROVIDER_KEYS", format!("first={KEY}, second={KEY}"));
        Self::run(setup, engine, issuer, (first, second)).await
    }

    /// One that has no model.
    pub(crate) async fn without_model(engine: Engine) -> Option<Self> {
        let doubles = (ModelDouble::start().await, ModelDouble::start().await);
        Self::run(setup(), engine, Issuer::new(), doubles).await
    }

    async fn run(
        setup: Setup,
        engine: Engine,
        issuer: Issuer,
        (first, second): (ModelDouble, ModelDouble),
    ) -> Option<Self> {
        let service = setup.and::<FakeAuth>().issuer(&issuer).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, first, second, issuer })
    }

    /// Somebody else each time.
    pub(crate) fn person(&self) -> Person {
        self.somebody(&[Role::User], &[])
    }

    pub(crate) fn admin(&self) -> Person {
        self.somebody(&[Role::User, Role::Admin], &[])
    }

    pub(crate) fn member(&self, of: OrganizationId, role: OrganizationRole) -> Person {
        self.somebody(&[Role::User], &[Membership { id: of, role }])
    }

    pub(crate) fn somebody(&self, roles: &[Role], of: &[Membership]) -> Person {
        let mut claims = self.issuer.claims(self.service.clock(), roles);
        claims.orgs = of.to_vec();
        self.signed(&claims)
    }

    /// The same person with another token, of now.
    pub(crate) fn again(&self, person: &Person, of: &[Membership]) -> Person {
        let mut claims = self.issuer.claims(self.service.clock(), &[Role::User]);
        (claims.sub, claims.orgs) = (person.id, of.to_vec());
        self.signed(&claims)
    }

    fn signed(&self, claims: &contract::identity::Claims) -> Person {
        let token = self.issuer.sign(claims);
        Person { id: claims.sub, client: self.service.client().bearer(&token), token }
    }

    /// Lets time pass, and waits until tokens are verified again: after hours without news from auth none is.
    pub(crate) async fn pass(&self, span: Duration) {
        self.service.clock().advance(span);
        eventually(|| std::future::ready(self.service.assembled().shared().verifier().check())).await;
    }

    pub(crate) async fn listen(&self, person: &Person, id: ConversationId, body: &Value) -> Stream {
        let response = self.ask_for_stream(person, id, body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { body: response.into_body(), text: String::new() }
    }

    pub(crate) async fn ask_for_stream(
        &self,
        person: &Person,
        id: ConversationId,
        body: &Value,
    ) -> Response<Body> {
        let request = Request::post(format!("{CONVERSATIONS}/{id}/messages"))
            .header("authorization", format!("Bearer {}", person.token))
            .header("accept", "text/event-stream")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        let caller = Caller::Socket(IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.service.assembled().front().handle(request.unwrap(), caller).await
    }

    /// Every rule over the books holds.
    pub(crate) async fn audit(&self) {
        let findings = self.service.assembled().books().audit().await;
        assert!(findings.iter().any(|finding| finding.service == "assistant"));
        for finding in findings {
            assert!(finding.holds(), "{finding:?}");
        }
    }

    /// Calls of models, by their state: state, prompt and completion tokens, cost, whether estimated.
    pub(crate) async fn calls(&self) -> Vec<(String, i64, i64, i64, bool)> {
        let db = self.service.db("assistant");
        let sql = "SELECT state, prompt_tokens, completion_tokens, cost_micros, estimated FROM model_call ORDER BY id";
        q!(db.read, fetch_all, sql).unwrap()
    }

    /// Waits until no call is under way.
    pub(crate) async fn settled(&self) {
        eventually(|| async {
            let calls = self.calls().await;
            if calls.iter().all(|call| call.0 != "RESERVED") { Ok(()) } else { Err(calls) }
        })
        .await;
    }
}

impl Person {
    pub(crate) async fn converse(&self) -> ConversationId {
        self.converse_for(None).await
    }

    pub(crate) async fn converse_for(&self, organization: Option<OrganizationId>) -> ConversationId {
        let body = organization.map_or_else(|| json!({}), |id| json!({"organizationId": id}));
        self.client.post(CONVERSATIONS, body).await.expect(201).data::<Conversation>().id
    }

    pub(crate) async fn ask(&self, id: ConversationId, text: &str) -> Answer {
        self.client.post(&format!("{CONVERSATIONS}/{id}/messages"), json!({"text": text})).await
    }

    pub(crate) async fn conversation(&self, id: ConversationId) -> Conversation {
        self.client.get(&format!("{CONVERSATIONS}/{id}")).await.expect(200).data()
    }

    /// What was said, the latest first.
    pub(crate) async fn messages(&self, id: ConversationId) -> Vec<Message> {
        self.client.get(&format!("{CONVERSATIONS}/{id}/messages")).await.expect(200).data()
    }

    pub(crate) async fn budget(&self) -> BudgetState {
        self.client.get("/api/v1/assistant/budget").await.expect(200).data()
    }

    pub(crate) async fn set_budget(&self, whose: &str, body: Value) -> BudgetState {
        let path = format!("/api/v1/assistant/budgets/{whose}");
        self.client.request(Method::PUT, &path).json(body).send().await.expect(200).data()
    }
}

/// A stream of events that is read as it comes.
pub(crate) struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    /// The next event with its data; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        timeout(LIMIT, self.read()).await.unwrap()
    }

    async fn read(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.split_once(": "));
                    lines.filter(|(found, _)| *found == name).map(|(_, value)| value).collect::<String>()
                };
                let (event, data) = (field("event"), field("data"));
                self.text = rest.to_owned();
                if event.is_empty() {
                    continue;
                }
                return Some((event, serde_json::from_str(&data).unwrap()));
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// All that is left.
    pub(crate) async fn rest(&mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }

    /// The text of what is left, and how it ends.
    pub(crate) async fn heard_out(&mut self) -> (String, (String, Value)) {
        let mut all = self.rest().await;
        let last = all.pop().unwrap();
        let texts =
            all.iter().filter(|(event, _)| event == "delta").map(|(_, data)| data["text"].as_str().unwrap());
        (texts.collect(), last)
    }
}
