//! Refresh tokens: one use, a short grace, and what happens to a stolen one.

use crate::support::{audited, count, login, pass, refresh, register, setup, start, start_with, try_refresh};
use contract::ErrorCode;
use contract::auth::Tokens;
use std::collections::HashSet;
use testkit::{Engine, on_both_engines};

async fn a_refresh_gives_a_new_pair_that_works(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let first = refresh(&service, ada.refresh_token()).await;
    assert_ne!(first.refresh_token.expose(), ada.refresh_token());
    let second = refresh(&service, first.refresh_token.expose()).await;
    assert_ne!(second.refresh_token.expose(), first.refresh_token.expose());
    let client = service.client().bearer(second.access_token.expose());
    client.get("/api/v1/users/me").await.expect(200);
}

async fn two_tabs_that_refresh_within_the_grace_get_the_same_successor(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let one = refresh(&service, ada.refresh_token()).await;
    pass(&service, 10);
    let two = refresh(&service, ada.refresh_token()).await;
    assert_eq!(one.refresh_token.expose(), two.refresh_token.expose());
    refresh(&service, one.refresh_token.expose()).await;
}

async fn a_token_that_comes_back_after_the_grace_ends_its_session(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    let stolen = ada.refresh_token();
    let owner = refresh(&service, stolen).await;
    pass(&service, 11);
    try_refresh(&service, stolen).await.expect(401).refused(ErrorCode::InvalidRefreshToken);

    let refused = try_refresh(&service, owner.refresh_token.expose()).await.expect(401);
    refused.refused(ErrorCode::InvalidRefreshToken);
    let client = service.client().bearer(owner.access_token.expose());
    client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
    // The thief has nothing to do with the other session.
    elsewhere.client.get("/api/v1/users/me").await.expect(200);
    refresh(&service, elsewhere.refresh_token()).await;
    let log = audited(service.db("auth"), ada.id()).await;
    assert_eq!(log.last().map(String::as_str), Some("refresh_token.reused"));
}

async fn a_hundred_refreshes_at_once_yield_one_family(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let attempts = (0..100).map(|_| try_refresh(&service, ada.refresh_token()));
    let answers = futures_util::future::join_all(attempts).await;
    let successors: HashSet<String> = answers
        .into_iter()
        .map(|answer| answer.expect(200).data::<Tokens>().refresh_token.expose().to_owned())
        .collect();
    assert_eq!(successors.len(), 1);
    let db = service.db("auth");
    assert_eq!(count(db, "SELECT COUNT(*) FROM refresh_tokens").await, 2);
    assert_eq!(count(db, "SELECT COUNT(*) FROM refresh_tokens WHERE replaced_at IS NULL").await, 1);
    assert_eq!(count(db, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL").await, 1);
    refresh(&service, successors.iter().next().unwrap()).await;
}

async fn a_guessed_token_of_a_known_session_does_not_end_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let mut guess = ada.refresh_token().to_owned();
    let last = if guess.ends_with('A') { "B" } else { "A" };
    guess.replace_range(guess.len() - 1.., last);
    try_refresh(&service, &guess).await.expect(401).refused(ErrorCode::InvalidRefreshToken);
    refresh(&service, ada.refresh_token()).await;
}

async fn what_is_no_token_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    for text in ["x", "????", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        try_refresh(&service, text).await.expect(401).refused(ErrorCode::InvalidRefreshToken);
    }
    try_refresh(&service, "").await.expect(400).refused(ErrorCode::Validation);
}

async fn a_session_that_is_not_used_ends(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__SESSION_IDLE_SECS", "600");
    let Some(service) = start_with(setup, engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    pass(&service, 599);
    let used = refresh(&service, ada.refresh_token()).await;
    pass(&service, 599);
    let used = refresh(&service, used.refresh_token.expose()).await;
    pass(&service, 601);
    let refused = try_refresh(&service, used.refresh_token.expose()).await.expect(401);
    refused.refused(ErrorCode::InvalidRefreshToken);
}

async fn a_session_ends_at_last_however_much_it_is_used(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__SESSION_MAX_SECS", "1000");
    let Some(service) = start_with(setup, engine).await else { return };
    let mut token = register(&service, "ada@example.org").await.refresh_token().to_owned();
    for left in [667, 334, 1] {
        pass(&service, 333);
        let next = refresh(&service, &token).await;
        // No access token outlives its session either.
        assert_eq!(next.expires_in, left);
        next.refresh_token.expose().clone_into(&mut token);
    }
    pass(&service, 1);
    try_refresh(&service, &token).await.expect(401).refused(ErrorCode::InvalidRefreshToken);
}

async fn the_store_alone_opens_nothing(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let next = refresh(&service, ada.refresh_token()).await;
    let db = service.db("auth");
    let sql = "SELECT hash, successor FROM refresh_tokens";
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = chassis::db::q!(db.read, fetch_all, sql).unwrap();
    let kept: Vec<u8> = rows
        .into_iter()
        .flat_map(|(hash, successor)| [hash, successor.unwrap_or_default()])
        .flatten()
        .collect();
    for token in [ada.refresh_token(), next.refresh_token.expose()] {
        use base64::Engine as _;
        let plain = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
        let secret = &plain[16..];
        assert!(!kept.windows(secret.len()).any(|window| window == secret));
    }
}

on_both_engines!(
    a_refresh_gives_a_new_pair_that_works,
    two_tabs_that_refresh_within_the_grace_get_the_same_successor,
    a_token_that_comes_back_after_the_grace_ends_its_session,
    a_hundred_refreshes_at_once_yield_one_family,
    a_guessed_token_of_a_known_session_does_not_end_it,
    what_is_no_token_is_refused,
    a_session_that_is_not_used_ends,
    a_session_ends_at_last_however_much_it_is_used,
    the_store_alone_opens_nothing,
);
