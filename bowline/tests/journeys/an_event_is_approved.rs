//! An organisation plans something: written, submitted, sent back, put right, approved; and nobody else hears of it.

use crate::support::{Person, Shop, in_every_shop, in_time, token_in};
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};

in_every_shop!(an_event_is_sent_back_put_right_and_approved, who_leaves_an_organisation_leaves_its_events,);

const EVENTS: &str = "/api/v1/events";

/// An organisation, and its people with tokens that say so.
struct Acme {
    id: String,
    owner: Person,
    moderator: Person,
    ada: Person,
}

impl Acme {
    async fn found(shop: &Shop) -> Self {
        let founder = shop.buyer().await;
        let made: Value =
            founder.client.post("/api/v1/organizations", json!({"name": "Acme"})).await.expect(201).data();
        let id = made["id"].as_str().unwrap().to_owned();
        let moderator = Self::join(shop, &founder, &id, "moderator").await;
        let ada = Self::join(shop, &founder, &id, "member").await;
        let owner = again(shop, &founder).await;
        Self { id, owner, moderator, ada }
    }

    /// Somebody new who was invited and has accepted.
    async fn join(shop: &Shop, founder: &Person, id: &str, role: &str) -> Person {
        let person = shop.buyer().await;
        let invitation = json!({"email": person.email, "role": role});
        founder.client.post(&format!("/api/v1/organizations/{id}/invitations"), invitation).await.expect(201);
        let token = token_in(&shop.sandbox.mail_to(&person.email));
        let accept = "/api/v1/organizations/invitations/accept";
        person.client.post(accept, json!({"token": token})).await.expect(200);
        again(shop, &person).await
    }
}

/// The same person with a token that knows what they belong to by now.
async fn again(shop: &Shop, person: &Person) -> Person {
    Person::log_in(&shop.sandbox.client(), &person.email, crate::support::PASSWORD).await
}

/// Somebody has been told of this kind so often.
async fn is_told(person: &Person, kind: &str, times: usize) {
    in_time(|| async {
        let path = format!("/api/v1/notifications?kind={kind}&state=MAILED");
        let sent: Vec<Value> = person.client.get(&path).await.expect(200).data();
        if sent.len() == times { Ok(()) } else { Err(sent) }
    })
    .await;
}

async fn step(who: &Person, id: &str, verb: &str, body: Value) -> Value {
    who.client.post(&format!("{EVENTS}/{id}/{verb}"), body).await.expect(200).data()
}

fn fair(organization: &str) -> Value {
    json!({
        "organizationId": organization,
        "title": "Summer fair",
        "description": "Stalls, music and a tombola in the yard.",
        "startDate": "2090-06-01T10:00:00Z",
        "endDate": "2090-06-01T18:00:00Z",
    })
}

async fn an_event_is_sent_back_put_right_and_approved(mut shop: Shop) {
    let acme = Acme::found(&shop).await;
    let stranger = shop.buyer().await;
    // Sent twice, because nobody knows whether the first one arrived.
    let make = || {
        acme.ada.client.request(Method::POST, EVENTS).header("idempotency-key", "one").json(fair(&acme.id))
    };
    let made: Value = make().send().await.expect(201).data();
    assert_eq!(make().send().await.expect(201).data::<Value>(), made);
    let id = made["id"].as_str().unwrap();
    step(&acme.ada, id, "submit", json!({})).await;
    is_told(&acme.moderator, "EVENT_SUBMITTED", 1).await;
    is_told(&acme.owner, "EVENT_SUBMITTED", 1).await;

    // What waits outlives the process.
    shop.sandbox.kill("events");
    shop.sandbox.restart("events");
    let (moderator, ada) = (again(&shop, &acme.moderator).await, again(&shop, &acme.ada).await);
    let owner = again(&shop, &acme.owner).await;
    in_time(|| async {
        let read = ada.client.get(&format!("{EVENTS}/{id}")).await;
        if read.status == 200 { Ok(()) } else { Err(read.text().into_owned()) }
    })
    .await;
    let reason = json!({"reason": "Say who is responsible."});
    assert_eq!(step(&moderator, id, "reject", reason).await["status"], "REJECTED");
    is_told(&ada, "EVENT_REJECTED", 1).await;
    let path = format!("{EVENTS}/{id}");
    let put_right = json!({"description": "Stalls and music. Ada is responsible."});
    let draft: Value = ada.client.patch(&path, put_right).await.expect(200).data();
    assert_eq!(draft["status"], "DRAFT");
    step(&ada, id, "submit", json!({})).await;

    // Two decide at once: one wins.
    let approve = format!("{path}/approve");
    let (one, two) =
        tokio::join!(moderator.client.post(&approve, json!({})), owner.client.post(&approve, json!({})));
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 409], "{} {}", one.text(), two.text());
    is_told(&ada, "EVENT_APPROVED", 1).await;
    is_told(&moderator, "EVENT_SUBMITTED", 2).await;

    let steps: Vec<Value> = ada.client.get(&format!("{path}/history")).await.expect(200).data();
    let actions: Vec<&str> = steps.iter().map(|step| step["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["CREATED", "SUBMITTED", "REJECTED", "UPDATED", "SUBMITTED", "APPROVED"]);

    // Nobody else hears of any of it.
    for (method, rest) in
        [(Method::GET, ""), (Method::GET, "/history"), (Method::POST, "/approve"), (Method::DELETE, "")]
    {
        let asked = format!("{path}{rest}");
        let ask = stranger.client.request(method, &asked);
        ask.send().await.expect(404).refused(ErrorCode::NotFound);
    }
    let seen: Vec<Value> = stranger.client.get(EVENTS).await.expect(200).data();
    assert_eq!(seen, Vec::<Value>::new());
}

async fn who_leaves_an_organisation_leaves_its_events(shop: Shop) {
    let acme = Acme::found(&shop).await;
    let made: Value = acme.ada.client.post(EVENTS, fair(&acme.id)).await.expect(201).data();
    let id = made["id"].as_str().unwrap();
    step(&acme.ada, id, "submit", json!({})).await;
    step(&acme.moderator, id, "approve", json!({})).await;
    let body = json!({"organizationId": acme.id});
    let link: Value =
        acme.ada.client.post(&format!("{EVENTS}/calendar-links"), body).await.expect(201).data();
    let feed = link["path"].as_str().unwrap();
    // A calendar program has an address and nothing else.
    let calendar = shop.sandbox.client().get(feed).await.expect(200);
    assert!(calendar.text().contains("SUMMARY:Summer fair\r\n"), "{}", calendar.text());
    assert!(!shop.sandbox.logs().contains(link["token"].as_str().unwrap()), "the secret is in the log");

    let member = format!("/api/v1/organizations/{}/members/{}", acme.id, acme.ada.id);
    acme.owner.client.delete(&member).await.expect(204);
    shop.sandbox.client().get(feed).await.expect(404).refused(ErrorCode::NotFound);
    let ada = again(&shop, &acme.ada).await;
    ada.client.get(&format!("{EVENTS}/{id}")).await.expect(404).refused(ErrorCode::NotFound);
    let seen: Vec<Value> = ada.client.get(EVENTS).await.expect(200).data();
    assert_eq!(seen, Vec::<Value>::new());
    // The token of before is good for nothing any more.
    in_time(|| async {
        let refused = acme.ada.client.get(EVENTS).await;
        if refused.status == 401 { Ok(()) } else { Err(refused.text().into_owned()) }
    })
    .await;
    // What she made is the organisation's, and goes on being there.
    acme.moderator.client.get(&format!("{EVENTS}/{id}")).await.expect(200);
}
