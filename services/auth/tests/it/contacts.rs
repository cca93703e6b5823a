//! How other services learn a person's address, and that nobody else does.

use crate::organizations::{create, seat};
use crate::support::{register, start};
use chassis::db::q;
use contract::auth::{AuthClient, ListActiveMembers};
use contract::client::CallError;
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, UserId};
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_service_learns_how_a_person_is_reached_and_nobody_else_does(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let peer = service.assembled().shared().peer("auth").unwrap();
    let client = AuthClient::new(peer.caller());
    let id = UserId(ada.id());
    let contact = client.contact(id).await.unwrap();
    assert_eq!((contact.email.as_str(), contact.verified, contact.active), ("ada@example.org", false, true));
    assert_eq!(contact.display_name, None);
    ada.client.patch("/api/v1/users/me", json!({"displayName": "Ada"})).await.expect(200);
    assert_eq!(client.contact(id).await.unwrap().display_name.as_deref(), Some("Ada"));
    let nobody = client.contact(UserId::new()).await.unwrap_err();
    assert!(matches!(&nobody, CallError::Refused(error) if error.status == 404), "{nobody}");
    let path = format!("/internal/v1/auth/contacts/{id}");
    ada.client.get(&path).await.expect(404);
    service.client().get(&path).await.expect(404);
}

async fn a_service_learns_who_decides_in_an_organisation_and_nobody_else_does(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let owner = register(&service, "owner@example.org").await;
    let (acme, other) = (create(&owner, "Acme").await, create(&owner, "Other").await);
    let db = service.db("auth");
    let mut people = vec![(owner.id(), OrganizationRole::Owner)];
    for (name, role) in [
        ("ada", OrganizationRole::Member),
        ("mod", OrganizationRole::Moderator),
        ("admin", OrganizationRole::Admin),
        ("gone", OrganizationRole::Admin),
    ] {
        let person = register(&service, &format!("{name}@example.org")).await;
        seat(db, &acme, &person, role).await;
        if name == "gone" {
            let disable = "UPDATE users SET status = 'disabled' WHERE id = $1";
            q!(db.write, execute, disable, person.id()).unwrap();
            people.push((person.id(), OrganizationRole::Member));
        } else {
            people.push((person.id(), role));
        }
    }
    let gone = UserId(people.pop().unwrap().0);
    people.sort_unstable();
    let client = AuthClient::new(service.assembled().shared().peer("auth").unwrap().caller());
    for role in OrganizationRole::ALL {
        let expected: Vec<_> =
            people.iter().filter(|(_, has)| has >= role).map(|(id, has)| (UserId(*id), *has)).collect();
        let (mut found, mut query) = (Vec::new(), ListActiveMembers { role: *role, after: None, limit: 2 });
        loop {
            let page = client.active_members(acme.id, &query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(last.user);
            found.extend(page.iter().map(|member| (member.user, member.role)));
        }
        assert_eq!(found, expected, "{role}");
    }
    let (first, role) = people[0];
    let member = client.active_member(acme.id, UserId(first)).await.unwrap();
    assert_eq!((member.user, member.role), (UserId(first), role));
    for (organization, user) in
        [(acme.id, gone), (acme.id, UserId::new()), (OrganizationId::new(), UserId(owner.id()))]
    {
        let nobody = client.active_member(organization, user).await.unwrap_err();
        assert!(matches!(&nobody, CallError::Refused(error) if error.status == 404), "{nobody}");
    }
    assert_eq!(
        client
            .active_members(
                other.id,
                &ListActiveMembers { role: OrganizationRole::Member, after: None, limit: 9 }
            )
            .await
            .unwrap()
            .len(),
        1
    );
    for rest in ["members?role=member&limit=10".to_owned(), format!("members/{}", owner.id())] {
        let path = format!("/internal/v1/auth/organizations/{}/{rest}", acme.id);
        owner.client.get(&path).await.expect(404);
        service.client().get(&path).await.expect(404);
    }
}

on_both_engines!(
    a_service_learns_how_a_person_is_reached_and_nobody_else_does,
    a_service_learns_who_decides_in_an_organisation_and_nobody_else_does,
);
