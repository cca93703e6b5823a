//! Invitations: mailed, bound to an address, good once and for a while.

use crate::organizations::{ORGANIZATIONS, at, create, history, members, memberships, place, role_of, seat};
use crate::race::{race, ready};
use crate::support::{Person, count, login, mailed, pass, refresh, register, setup, start, start_with};
use auth::store::invitation;
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::{Invitation, Organization};
use contract::identity::OrganizationRole::{Admin, Member, Owner};
use http::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Engine, TestService, on_both_engines};

const SECOND: Duration = Duration::from_secs(1);

async fn try_invite(sender: &Person, acme: &Organization, email: &str, role: &str) -> Answer {
    sender.client.post(&at(acme, "/invitations"), json!({"email": email, "role": role})).await
}

async fn invite(sender: &Person, acme: &Organization, email: &str, role: &str) -> Invitation {
    try_invite(sender, acme, email, role).await.expect(201).data()
}

/// The token of the last invitation that was mailed to an address.
async fn link(service: &TestService, email: &str) -> String {
    mailed(service.db("auth"), email, "invitation").await.pop().unwrap()
}

async fn accept(person: &Person, token: &str) -> Answer {
    person.client.post(&format!("{ORGANIZATIONS}/invitations/accept"), json!({"token": token})).await
}

async fn open(person: &Person, acme: &Organization) -> Vec<Invitation> {
    person.client.get(&at(acme, "/invitations")).await.expect(200).data()
}

async fn who_is_invited_joins_with_the_mailed_link(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let acme = create(&ada, "Acme").await;
    let answer = try_invite(&ada, &acme, " Grace@Example.org ", "moderator").await.expect(201);
    let sent: Invitation = answer.data();
    assert_eq!((sent.email.as_str(), sent.role.as_str()), ("grace@example.org", "moderator"));
    assert_eq!((sent.expires_at - sent.created_at).whole_seconds(), 7 * 86_400);
    assert_eq!(open(&ada, &acme).await, [sent]);

    let grace = register(&service, "grace@example.org").await;
    let joined = accept(&grace, &link(&service, "grace@example.org").await).await.expect(200);
    let joined: Organization = joined.data();
    assert_eq!((joined.id, joined.role.map(|role| role.as_str())), (acme.id, Some("moderator")));
    assert!(open(&ada, &acme).await.is_empty());
    let seen: Vec<(String, &str)> =
        members(&grace, &acme).await.into_iter().map(|member| (member.email, member.role.as_str())).collect();
    let both = [("ada@example.org".to_owned(), "owner"), ("grace@example.org".to_owned(), "moderator")];
    assert_eq!(seen, both);
    let tokens = refresh(&service, grace.refresh_token()).await;
    let carried = [(acme.id.to_string(), "moderator".to_owned())];
    assert_eq!(memberships(tokens.access_token.expose()), carried);
    let told = ["organization.created", "invitation.sent", "invitation.accepted"];
    assert_eq!(history(service.db("auth"), &acme).await, told);
}

async fn the_token_is_in_the_mail_and_nowhere_else(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let (db, acme) = (service.db("auth"), create(&ada, "Acme").await);
    let answer = try_invite(&ada, &acme, "grace@example.org", "member").await.expect(201);
    let token = link(&service, "grace@example.org").await;
    assert_eq!(token.len(), 43);
    let listed = ada.client.get(&at(&acme, "/invitations")).await.expect(200);
    for text in [answer.text(), listed.text()] {
        assert!(!text.contains(&token));
    }
    let kept: Vec<u8> = q!(db.read, scalar, "SELECT token_hash FROM invitations").unwrap();
    assert!(kept.len() == 32 && kept != token.as_bytes());
    let sql = "SELECT COUNT(*) FROM audit_log WHERE CAST(details AS TEXT) LIKE $1";
    let said: i64 = q!(db.read, scalar, sql, format!("%{token}%")).unwrap();
    assert_eq!(said, 0);
    let mail: String =
        q!(db.read, scalar, "SELECT body_text FROM mail_outbox WHERE kind = 'invitation'").unwrap();
    assert!(mail.contains(&format!("/accept-invitation#token={token}\n")) && mail.contains("Acme"), "{mail}");
}

async fn an_invitation_is_for_one_address_and_stays_for_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, eve) =
        (register(&service, "ada@example.org").await, register(&service, "eve@example.org").await);
    let acme = create(&ada, "Acme").await;
    invite(&ada, &acme, "grace@example.org", "admin").await;
    let token = link(&service, "grace@example.org").await;
    let refused = accept(&eve, &token).await.expect(403);
    assert!(!refused.text().contains("grace"));
    refused.refused(ErrorCode::Forbidden);
    assert_eq!(role_of(service.db("auth"), &acme, &eve).await, None);
    accept(&register(&service, "grace@example.org").await, &token).await.expect(200);
}

async fn of_many_who_accept_at_once_one_joins(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let (db, acme) = (service.db("auth"), create(&ada, "Acme").await);
    invite(&ada, &acme, "grace@example.org", "member").await;
    let (grace, token) =
        (register(&service, "grace@example.org").await, link(&service, "grace@example.org").await);
    let path = format!("{ORGANIZATIONS}/invitations/accept");
    let attempts = (0..6).map(|_| ready(&grace.client, Method::POST, &path, json!({"token": token})));
    let answers = race(attempts.collect()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for late in answers.into_iter().filter(|answer| answer.status != 200) {
        late.refused(ErrorCode::InvalidLink);
    }
    let told = history(db, &acme).await;
    assert_eq!(told.iter().filter(|action| *action == "invitation.accepted").count(), 1);
    accept(&grace, &token).await.expect(400).refused(ErrorCode::InvalidLink);
}

async fn a_link_expires(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__INVITATION_SECS", "600");
    let Some(service) = start_with(setup, engine).await else { return };
    let (ada, grace) =
        (register(&service, "ada@example.org").await, register(&service, "grace@example.org").await);
    let acme = create(&ada, "Acme").await;
    let sent = invite(&ada, &acme, "grace@example.org", "member").await;
    pass(&service, 600);
    let late = accept(&grace, &link(&service, "grace@example.org").await).await.expect(400);
    late.refused(ErrorCode::InvalidLink);
    assert!(open(&ada, &acme).await.is_empty());
    let gone = ada.client.delete(&at(&acme, &format!("/invitations/{}", sent.id))).await.expect(404);
    gone.refused(ErrorCode::NotFound);
}

async fn a_link_that_was_withdrawn_no_longer_works(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, grace) =
        (register(&service, "ada@example.org").await, register(&service, "grace@example.org").await);
    let acme = create(&ada, "Acme").await;
    let sent = invite(&ada, &acme, "grace@example.org", "member").await;
    let path = at(&acme, &format!("/invitations/{}", sent.id));
    ada.client.delete(&path).await.expect(204);
    ada.client.delete(&path).await.expect(404).refused(ErrorCode::NotFound);
    let late = accept(&grace, &link(&service, "grace@example.org").await).await.expect(400);
    late.refused(ErrorCode::InvalidLink);
    // Nor does withdrawing make room for more mail than one a minute.
    try_invite(&ada, &acme, "grace@example.org", "member").await.expect(429).refused(ErrorCode::RateLimited);
    assert_eq!(history(service.db("auth"), &acme).await.last().unwrap(), "invitation.revoked");
}

async fn an_invitation_of_another_organisation_cannot_be_withdrawn_through_ones_own(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, eve) =
        (register(&service, "ada@example.org").await, register(&service, "eve@example.org").await);
    let (acme, elsewhere) = (create(&ada, "Acme").await, create(&eve, "Elsewhere").await);
    let sent = invite(&ada, &acme, "grace@example.org", "member").await;
    let through = at(&elsewhere, &format!("/invitations/{}", sent.id));
    eve.client.delete(&through).await.expect(404).refused(ErrorCode::NotFound);
    assert_eq!(open(&ada, &acme).await, [sent]);
}

async fn the_next_invitation_of_an_address_replaces_the_one_before(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, grace) =
        (register(&service, "ada@example.org").await, register(&service, "grace@example.org").await);
    let acme = create(&ada, "Acme").await;
    invite(&ada, &acme, "grace@example.org", "member").await;
    let first = link(&service, "grace@example.org").await;
    pass(&service, 20);
    let hasty = try_invite(&ada, &acme, "grace@example.org", "admin").await.expect(429);
    assert_eq!(hasty.header("retry-after"), Some("40"));
    pass(&service, 40);
    let second = invite(&ada, &acme, "grace@example.org", "admin").await;
    assert_eq!(open(&ada, &acme).await, [second]);
    accept(&grace, &first).await.expect(400).refused(ErrorCode::InvalidLink);
    accept(&grace, &link(&service, "grace@example.org").await).await.expect(200);
    assert_eq!(role_of(service.db("auth"), &acme, &grace).await.as_deref(), Some("admin"));
}

async fn an_administrator_does_not_replace_the_invitation_of_an_owner(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, bob) =
        (register(&service, "ada@example.org").await, register(&service, "bob@example.org").await);
    let acme = create(&ada, "Acme").await;
    seat(service.db("auth"), &acme, &bob, Admin).await;
    let sent = invite(&ada, &acme, "grace@example.org", "owner").await;
    pass(&service, 60);
    try_invite(&bob, &acme, "grace@example.org", "member").await.expect(403).refused(ErrorCode::Forbidden);
    assert_eq!(open(&bob, &acme).await, [sent]);
}

async fn a_member_is_not_invited_again(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let acme = create(&ada, "Acme").await;
    try_invite(&ada, &acme, "ADA@example.org", "member").await.expect(409).refused(ErrorCode::Conflict);
    assert_eq!(
        count(service.db("auth"), "SELECT COUNT(*) FROM mail_outbox WHERE kind = 'invitation'").await,
        0
    );
}

async fn an_invitation_falls_with_the_rights_of_who_sent_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, bob) =
        (register(&service, "ada@example.org").await, register(&service, "bob@example.org").await);
    let (db, acme) = (service.db("auth"), create(&ada, "Acme").await);
    let grace = register(&service, "grace@example.org").await;
    seat(db, &acme, &bob, Admin).await;
    invite(&bob, &acme, "grace@example.org", "admin").await;
    let token = link(&service, "grace@example.org").await;
    ada.client.delete(&place(&acme, &bob)).await.expect(204);
    accept(&grace, &token).await.expect(400).refused(ErrorCode::InvalidLink);
    seat(db, &acme, &bob, Member).await;
    accept(&grace, &token).await.expect(400).refused(ErrorCode::InvalidLink);
    seat(db, &acme, &bob, Owner).await;
    q!(db.write, execute, "UPDATE users SET status = 'disabled' WHERE id = $1", bob.id()).unwrap();
    accept(&grace, &token).await.expect(400).refused(ErrorCode::InvalidLink);
    assert_eq!(role_of(db, &acme, &grace).await, None);
    q!(db.write, execute, "UPDATE users SET status = 'active' WHERE id = $1", bob.id()).unwrap();
    accept(&grace, &token).await.expect(200);
}

async fn who_was_removed_joins_again_with_a_new_link_only(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, grace) =
        (register(&service, "ada@example.org").await, register(&service, "grace@example.org").await);
    let acme = create(&ada, "Acme").await;
    invite(&ada, &acme, "grace@example.org", "member").await;
    let first = link(&service, "grace@example.org").await;
    accept(&grace, &first).await.expect(200);
    ada.client.delete(&place(&acme, &grace)).await.expect(204);
    let grace = login(&service, "grace@example.org").await;
    accept(&grace, &first).await.expect(400).refused(ErrorCode::InvalidLink);
    invite(&ada, &acme, "grace@example.org", "member").await;
    accept(&grace, &link(&service, "grace@example.org").await).await.expect(200);
    members(&grace, &acme).await;
}

async fn a_link_of_another_kind_is_no_invitation(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let grace = register(&service, "grace@example.org").await;
    let proof = mailed(service.db("auth"), "grace@example.org", "verify_email").await.pop().unwrap();
    accept(&grace, &proof).await.expect(400).refused(ErrorCode::InvalidLink);
    accept(&grace, "").await.expect(400).refused(ErrorCode::Validation);
}

async fn what_has_expired_is_removed_and_what_is_open_stays(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__INVITATION_SECS", "600");
    let Some(service) = start_with(setup, engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let (db, acme) = (service.db("auth"), create(&ada, "Acme").await);
    invite(&ada, &acme, "old@example.org", "member").await;
    let began = service.clock().now();
    pass(&service, 600);
    let sent = invite(&ada, &acme, "new@example.org", "member").await;
    assert_eq!(invitation::delete_over(db, began, 10).await.unwrap(), 0);
    assert_eq!(invitation::delete_over(db, service.clock().now() + SECOND, 10).await.unwrap(), 1);
    assert_eq!(open(&ada, &acme).await, [sent]);
}

on_both_engines!(
    what_has_expired_is_removed_and_what_is_open_stays,
    who_is_invited_joins_with_the_mailed_link,
    the_token_is_in_the_mail_and_nowhere_else,
    an_invitation_is_for_one_address_and_stays_for_it,
    of_many_who_accept_at_once_one_joins,
    a_link_expires,
    a_link_that_was_withdrawn_no_longer_works,
    an_invitation_of_another_organisation_cannot_be_withdrawn_through_ones_own,
    the_next_invitation_of_an_address_replaces_the_one_before,
    an_administrator_does_not_replace_the_invitation_of_an_owner,
    a_member_is_not_invited_again,
    an_invitation_falls_with_the_rights_of_who_sent_it,
    who_was_removed_joins_again_with_a_new_link_only,
    a_link_of_another_kind_is_no_invitation,
);
