//! Whose answers are whose.

use super::*;

#[tokio::test]
async fn what_somebody_with_credentials_is_told_nobody_else_is() {
    for credentials in [("authorization", "Bearer x"), ("cookie", "session=1"), ("x-api-key", "k")] {
        let house = House::of(r#"{"ttl_secs": 60}"#);
        let origin = Origin::new([says(200, &[], "mine"), says(200, &[], "everybody's")]);
        let mine = house.get(&origin, &[credentials]).await;
        assert_eq!(
            (mine.told(), mine.body.as_str()),
            ("fwd=miss; fwd-status=200; detail=credentials", "mine")
        );
        assert_eq!(house.get(&origin, &[]).await.body, "everybody's");
        assert!(house.get(&origin, &[]).await.is_hit());
        // Nor are they given what was meant for nobody in particular.
        assert!(!house.get(&origin, &[credentials]).await.is_hit());
        assert!(house.get(&origin, &[]).await.is_hit(), "what is kept for everybody stays");
    }
    for allowed in ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"] {
        let house = House::of("{}");
        let origin = Origin::new([control(allowed)]);
        house.get(&origin, &[("authorization", "Bearer x")]).await;
        assert!(house.get(&origin, &[("authorization", "Bearer y")]).await.is_hit(), "{allowed}");
        assert!(house.get(&origin, &[]).await.is_hit(), "{allowed}");
    }
}

#[tokio::test]
async fn each_user_has_their_own_answers_where_the_rule_says_so() {
    let house = House::of(r#"{"ttl_secs": 60, "per_user": true}"#);
    let (ada, bob) = (house.user(UserId::new()), house.user(UserId::new()));
    let private = [("cache-control", "private, max-age=60")];
    let origin =
        Origin::new([says(200, &private, "ada's"), says(200, &private, "bob's"), says(200, &[], "all")]);
    let token = [("authorization", "Bearer x")];
    assert_eq!(ada.get(&origin, &token).await.body, "ada's");
    assert_eq!(bob.get(&origin, &token).await.body, "bob's");
    assert_eq!(house.get(&origin, &[]).await.body, "all");
    for (who, body) in [(&ada, "ada's"), (&bob, "bob's")] {
        let got = who.get(&origin, &token).await;
        assert!(got.is_hit() && got.body == body, "{got:?}");
    }
    // Credentials of nobody that is known.
    let got = house.get(&origin, &token).await;
    assert_eq!(got.told(), "fwd=bypass");
}

#[tokio::test]
async fn cookies_that_say_nothing_are_not_handed_on() {
    let house = House::of(r#"{"ttl_secs": 60, "ignore_cookies": true}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    house.get(&origin, &[("cookie", "a=1")]).await;
    assert!(!origin.last().contains_key("cookie"));
    assert!(house.get(&origin, &[("cookie", "a=2")]).await.is_hit());
}

#[tokio::test]
async fn answers_that_differ_by_a_header_are_told_apart() {
    let house = House::of("{}");
    let vary = [("cache-control", "max-age=60"), ("vary", "Accept-Language")];
    let more = [("cache-control", "max-age=60"), ("vary", "accept-language, x-tenant")];
    let origin = Origin::new([says(200, &vary, "de"), says(200, &vary, "en"), says(200, &more, "fr a")]);
    let ask = async |language: &str, tenant: &str| {
        house.get(&origin, &[("accept-language", language), ("x-tenant", tenant)]).await
    };
    assert_eq!(ask("de", "").await.body, "de");
    assert_eq!(ask("en, *", "").await.body, "en");
    let de = ask("DE", "").await;
    assert!(de.is_hit() && de.body == "de", "{de:?}");
    assert!(ask("en,*", "").await.is_hit());
    // An answer that differs by more: what was kept without that is not found any more.
    assert_eq!(ask("fr", "a").await.body, "fr a");
    assert!(!ask("fr", "b").await.is_hit());
    assert!(ask("fr", "a").await.is_hit());
    let by_rule = House::of(r#"{"ttl_secs": 60, "vary": ["x-tenant"]}"#);
    let origin = Origin::new([says(200, &[], "a"), says(200, &[], "b")]);
    for (tenant, body) in [("a", "a"), ("b", "b"), ("a", "a")] {
        assert_eq!(by_rule.get(&origin, &[("x-tenant", tenant)]).await.body, body);
    }
}

#[tokio::test]
async fn what_is_for_nobody_to_keep_is_not_kept_for_one_user_either_whatever_the_rule_says() {
    let house = House::of(r#"{"ttl_secs": 60, "override": true, "per_user": true}"#).user(UserId::new());
    let origin = Origin::new([control("private, no-store"), control("private"), control("no-store")]);
    let first = house.get(&origin, &[]).await;
    assert_eq!(first.told(), "fwd=miss; fwd-status=200; detail=no-store");
    house.get(&origin, &[]).await;
    assert!(house.get(&origin, &[]).await.is_hit(), "a private answer is kept for its user");
}
