//! What happens at the end of an answer's time.

use super::*;

#[tokio::test]
async fn what_is_over_its_time_is_asked_after_and_not_sent_again_when_it_still_holds() {
    let house = House::of("{}");
    let new = [
        ("cache-control", "max-age=60"),
        ("etag", "\"1\""),
        ("last-modified", "Wed, 31 Dec 2025 00:00:00 GMT"),
    ];
    let still = [("cache-control", "max-age=30"), ("etag", "\"1\""), ("x-new", "1")];
    let origin = Origin::new([says(200, &new, "one"), says(304, &still, ""), says(200, &new, "two")]);
    house.get(&origin, &[]).await;
    house.wait(60);
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.told(), got.body.as_str()), ("fwd=stale; fwd-status=304; stored", "one"));
    assert_eq!(got.headers["x-new"], "1");
    assert_eq!(origin.last()["if-none-match"], "\"1\"");
    assert_eq!(origin.last()["if-modified-since"], "Wed, 31 Dec 2025 00:00:00 GMT");
    house.wait(29);
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.told(), got.headers["age"].to_str().unwrap()), ("hit; ttl=1", "29"));
    house.wait(1);
    assert_eq!(house.get(&origin, &[]).await.body, "two");
    assert!(house.get(&origin, &[]).await.is_hit());
}

#[tokio::test]
async fn an_answer_that_its_origin_wants_to_be_asked_about_is_asked_about_each_time() {
    let house = House::of(r#"{"ttl_secs": 60, "max_stale_secs": 60}"#);
    let new = [("cache-control", "no-cache"), ("etag", "\"1\"")];
    let origin = Origin::new([says(200, &new, "one"), says(304, &new, "")]);
    for _ in 0..3 {
        let got = house.get(&origin, &[]).await;
        assert!(!got.is_hit() && got.body == "one", "{got:?}");
    }
    assert_eq!(origin.asked(), 3);
}

#[tokio::test]
async fn a_client_that_has_it_already_is_told_so_and_the_origin_is_asked_for_all_of_it() {
    let house = House::of("{}");
    let changed = "Wed, 31 Dec 2025 00:00:00 GMT";
    let new = [("cache-control", "max-age=60"), ("etag", "\"1\""), ("last-modified", changed)];
    let origin = Origin::new([says(200, &new, "one")]);
    let known = house.get(&origin, &[("if-none-match", "W/\"0\", W/\"1\"")]).await;
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    assert!(!origin.last().contains_key("if-none-match"));
    let since = |date: &'static str| [("if-modified-since", date)];
    for (condition, status) in [
        ([("if-none-match", "\"1\"")], 304),
        ([("if-none-match", "*")], 304),
        ([("if-none-match", "\"2\"")], 200),
        (since(changed), 304),
        (since("Tue, 30 Dec 2025 00:00:00 GMT"), 200),
        (since("yesterday"), 200),
    ] {
        let got = house.get(&origin, &condition).await;
        assert_eq!((got.status, got.is_hit()), (status, true), "{condition:?}");
        assert_eq!(got.headers["etag"], "\"1\"");
    }
    // The tag counts where both are sent.
    let both = [("if-none-match", "\"2\""), ("if-modified-since", changed)];
    assert_eq!(house.get(&origin, &both).await.status, 200);
    assert_eq!(origin.asked(), 1);
}

#[tokio::test]
async fn an_old_answer_is_given_out_while_it_is_asked_for_again() {
    let house = House::of(r#"{"ttl_secs": 60, "max_stale_secs": 30}"#);
    let origin = Origin::new([says(200, &[], "old"), says(200, &[], "new")]);
    house.get(&origin, &[]).await;
    house.wait(70);
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.told(), got.body.as_str()), ("hit; ttl=-10; detail=stale-while-revalidate", "old"));
    let got = eventually(async || Some(house.get(&origin, &[]).await).filter(|got| got.body == "new")).await;
    assert_eq!((got.told(), origin.asked()), ("hit; ttl=60", 2));
    house.wait(90);
    assert!(!house.get(&origin, &[]).await.is_hit(), "not for longer than the rule says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_gets_an_old_answer_just_as_the_new_one_comes_asks_no_more() {
    let house = House::of(r#"{"ttl_secs": 60, "max_stale_secs": 30}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    house.get(&origin, &[]).await;
    for round in 1..2_000 {
        house.wait(70);
        let mut asking = JoinSet::new();
        for _ in 0..4 {
            let (house, origin) = (house.clone(), origin.clone());
            asking.spawn(async move { house.get(&origin, &[]).await });
        }
        asking.join_all().await;
        eventually(async || house.get(&origin, &[]).await.told() == "hit; ttl=60").await;
        assert_eq!(origin.asked(), 1 + round);
    }
}

#[tokio::test]
async fn an_old_answer_stands_in_for_an_origin_that_fails_and_leaves_it_alone_for_a_moment() {
    let house = House::of(r#"{"ttl_secs": 60, "max_stale_secs": 600}"#);
    let kept = says(200, &[("cache-control", "max-age=60, stale-while-revalidate=0")], "old");
    let origin = Origin::new([kept.clone(), says(503, &[], "down"), says(502, &[], "down"), kept]);
    house.get(&origin, &[]).await;
    house.wait(100);
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.status, got.body.as_str()), (200, "old"));
    assert_eq!(got.told(), "fwd=stale; fwd-status=503; detail=stale-if-error");
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.told(), origin.asked()), ("hit; ttl=-40; detail=stale-if-error", 2));
    house.wait(2);
    assert_eq!(house.get(&origin, &[]).await.told(), "fwd=stale; fwd-status=502; detail=stale-if-error");
    house.wait(2);
    assert_eq!(house.get(&origin, &[]).await.told(), "fwd=stale; fwd-status=200; stored");
}

#[tokio::test]
async fn what_must_be_asked_about_is_never_given_out_old() {
    for never in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=60"] {
        let house = House::of(r#"{"max_stale_secs": 600}"#);
        let says_so = format!("max-age=60, {never}");
        let kept = says(200, &[("cache-control", &says_so), ("etag", "\"1\"")], "old");
        let origin = Origin::new([kept, says(503, &[], "down")]);
        house.get(&origin, &[]).await;
        house.wait(61);
        assert_eq!(house.get(&origin, &[]).await.status, 503, "{never}");
    }
}

#[tokio::test]
async fn clients_decide_nothing_unless_the_rule_lets_them() {
    let wishes = ["no-cache", "no-store", "max-age=0", "min-fresh=1000"];
    for (spec, obeys) in [("{}", false), (r#"{"obey_clients": true}"#, true)] {
        for wish in wishes {
            let house = House::of(spec);
            let origin = Origin::new([control("max-age=60")]);
            house.get(&origin, &[]).await;
            house.wait(1);
            let got = house.get(&origin, &[("cache-control", wish)]).await;
            assert_eq!(got.is_hit(), !obeys, "{spec} {wish}");
        }
    }
    let house = House::of(r#"{"obey_clients": true, "max_stale_secs": 30}"#);
    let origin = Origin::new([control("max-age=60, stale-while-revalidate=0")]);
    let only = house.get(&origin, &[("cache-control", "only-if-cached")]).await;
    assert_eq!((only.status, origin.asked()), (504, 0));
    house.get(&origin, &[]).await;
    house.wait(70);
    assert!(house.get(&origin, &[("cache-control", "max-stale=20")]).await.is_hit());
    assert!(!house.get(&origin, &[("cache-control", "max-stale=5")]).await.is_hit());
    house.wait(95);
    assert!(
        !house.get(&origin, &[("cache-control", "max-stale")]).await.is_hit(),
        "no older than the rule allows"
    );
}
