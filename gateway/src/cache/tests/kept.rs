//! What is kept and for how long, and what is not.

use super::*;

/// The headers of an answer.
type Lines<'a> = &'a [(&'static str, &'a str)];

#[tokio::test]
async fn an_answer_is_given_out_again_until_its_time_is_over() {
    let house = House::of("{}");
    let origin = Origin::new([control("max-age=60")]);
    let first = house.get(&origin, &[]).await;
    assert_eq!((first.told(), first.body.as_str()), ("fwd=miss; fwd-status=200; stored", "one"));
    house.wait(40);
    let again = house.get(&origin, &[]).await;
    assert_eq!((again.told(), again.body.as_str()), ("hit; ttl=20", "one"));
    assert_eq!(again.headers["age"], "40");
    house.wait(20);
    assert_eq!(house.get(&origin, &[]).await.told(), "fwd=stale; fwd-status=200; stored");
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn how_long_an_answer_is_good_is_what_its_origin_says_and_else_what_the_rule_says() {
    let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
    let cases: [(&str, Lines<'_>, u64); 12] = [
        ("{}", &[("cache-control", "max-age=60, s-maxage=10")], 10),
        ("{}", &[("cache-control", "max-age=60"), ("age", "50")], 10),
        ("{}", &[("cache-control", "max-age=60"), ("date", "Wed, 31 Dec 2025 23:59:30 GMT")], 30),
        ("{}", &[date, ("expires", "Thu, 01 Jan 2026 00:00:20 GMT")], 20),
        ("{}", &[date, ("expires", "0"), ("cache-control", "max-age=5")], 5),
        (r#"{"ttl_secs": 30}"#, &[date, ("expires", "0")], 0),
        (r#"{"ttl_secs": 30}"#, &[], 30),
        ("{}", &[], 0),
        (r#"{"ttl_secs": 30}"#, &[("cache-control", "max-age=5")], 5),
        (r#"{"ttl_secs": 30, "override": true}"#, &[("cache-control", "no-store")], 30),
        (r#"{"ttl_secs": 30}"#, &[("cache-control", "no-cache")], 0),
        (r#"{"ttl_secs": 30}"#, &[("cache-control", "no-store")], 0),
    ];
    for (spec, headers, good) in cases {
        let house = House::of(spec);
        let origin = Origin::new([says(200, headers, "one")]);
        house.get(&origin, &[]).await;
        if good > 0 {
            house.wait(good - 1);
            assert!(house.get(&origin, &[]).await.is_hit(), "{spec} {headers:?}");
            house.wait(1);
        }
        assert!(!house.get(&origin, &[]).await.is_hit(), "{spec} {headers:?}");
    }
}

#[tokio::test]
async fn what_is_not_for_everybody_or_not_whole_is_not_kept() {
    let refused: [(u16, Lines<'_>, &str); 10] = [
        (200, &[("cache-control", "no-store, max-age=60")], "no-store"),
        (200, &[("cache-control", "private, max-age=60")], "private"),
        (200, &[("cache-control", "private=\"x\", max-age=60")], "private"),
        (200, &[("cache-control", "public, max-age=60"), ("set-cookie", "a=1")], "set-cookie"),
        (200, &[("cache-control", "max-age=60"), ("vary", "accept, *")], "vary"),
        (206, &[("cache-control", "max-age=60")], "status"),
        (500, &[("cache-control", "max-age=60")], "status"),
        (404, &[], "no-lifetime"),
        (200, &[("cache-control", "max-age=60"), ("content-type", "text/event-stream")], "stream"),
        (200, &[("cache-control", "max-age=60"), ("cache-tag", "a b")], "tags"),
    ];
    for (status, headers, why) in refused {
        let house = House::of(r#"{"ttl_secs": 60}"#);
        let origin = Origin::new([says(status, headers, "one")]);
        let got = house.get(&origin, &[]).await;
        assert_eq!(got.told(), format!("fwd=miss; fwd-status={status}; detail={why}"), "{headers:?}");
        assert_eq!((got.status, got.body.as_str()), (status, "one"));
        assert!(!house.get(&origin, &[]).await.is_hit(), "{headers:?}");
    }
    let house = House::of("{}");
    let origin = Origin::new([says(404, &[("cache-control", "max-age=60")], "none")]);
    house.get(&origin, &[]).await;
    assert!(house.get(&origin, &[]).await.is_hit(), "that there is nothing is kept when its origin says so");
}

#[tokio::test]
async fn hosts_paths_and_queries_are_told_apart() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new(["0", "1", "2", "3"].map(|body| says(200, &[], body)));
    let targets = ["/shop/7?a=1", "/shop/7?a=2", "/shop/7", "http://other.example/shop/7"];
    for _ in 0..2 {
        for (body, target) in targets.iter().enumerate() {
            assert_eq!(house.ask(&origin, request(Method::GET, target, &[])).await.body, body.to_string());
        }
    }
    assert_eq!(origin.asked(), 4);
}

#[tokio::test]
async fn the_head_of_what_is_kept_has_its_length_and_no_body() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    let head = || request(Method::HEAD, "/shop/7?a=1", &[]);
    assert_eq!(house.ask(&origin, head()).await.told(), "fwd=miss; fwd-status=200; detail=head");
    house.get(&origin, &[]).await;
    let got = house.ask(&origin, head()).await;
    assert!(got.is_hit());
    assert_eq!((got.body.as_str(), got.headers["content-length"].to_str().unwrap()), ("", "3"));
}

#[tokio::test]
async fn parts_and_guarded_requests_go_past_the_cache() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[("cache-tag", "a")], "one")]);
    house.get(&origin, &[]).await;
    for header in
        [("range", "bytes=0-1"), ("if-match", "\"1\""), ("if-unmodified-since", "x"), ("upgrade", "x")]
    {
        let got = house.get(&origin, &[header]).await;
        assert_eq!(got.told(), "fwd=bypass");
        assert!(origin.last().contains_key(header.0) && !got.headers.contains_key("cache-tag"));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_comes_whole_and_is_not_kept() {
    let house = House::of(r#"{"ttl_secs": 60, "max_body": 3}"#);
    let origin = Origin::new([says(200, &[], "four")]);
    let got = house.get(&origin, &[]).await;
    assert_eq!((got.told(), got.body.as_str()), ("fwd=miss; fwd-status=200; detail=too-large", "four"));
    let origin = Origin::new([says(200, &[], "3ch")]);
    house.get(&origin, &[]).await;
    assert!(house.get(&origin, &[]).await.is_hit(), "a smaller one is kept again");
}

#[tokio::test]
async fn memory_is_bounded_and_no_bytes_mean_no_cache() {
    let house = House::with(r#"{"ttl_secs": 60}"#, 20_000, &state());
    let origin = Origin::new([says(200, &[], "one")]);
    for n in 0..200 {
        house.ask(&origin, request(Method::GET, &format!("/{n}"), &[])).await;
    }
    let (entries, bytes) = house.cache.0.shelf.tidy();
    assert!(entries > 0 && bytes <= 20_000, "{entries} entries, {bytes} bytes");
    let off = House::with(r#"{"ttl_secs": 60}"#, 0, &state());
    off.get(&origin, &[]).await;
    assert_eq!(off.get(&origin, &[]).await.told(), "fwd=bypass");
}

#[tokio::test]
async fn what_belongs_to_one_answer_alone_is_not_given_with_the_next() {
    let house = House::of("{}");
    let alone = [
        ("cache-control", "max-age=60"),
        ("x-request-id", "1"),
        ("ratelimit", "x"),
        ("x-ratelimit-limit", "1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("retry-after", "1"),
        ("x-kept", "1"),
    ];
    let origin = Origin::new([says(200, &alone, "one")]);
    house.get(&origin, &[]).await;
    let got = house.get(&origin, &[]).await;
    let mut names: Vec<_> = got.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["age", "cache-control", "cache-status", "x-kept"]);
}

#[tokio::test]
async fn a_look_tells_what_is_kept_and_changes_nothing() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    let look = || house.cache.look(&house.rule, house.asker, request(Method::GET, "/shop/7?a=1", &[]));
    assert_eq!(look().kept, None);
    house.get(&origin, &[]).await;
    house.wait(20);
    let looked = look();
    let says = looked.to_string();
    assert!(says.contains(" 20 s old, fresh for 40 s more (as shop#"), "{says}");
    let key = looked.key.unwrap();
    assert!(key[0].starts_with("shop#") && key[1..] == ["shop.example", "/shop/7?a=1"], "{key:?}");
    let kept = looked.kept.unwrap();
    assert_eq!((kept.status, kept.age_secs, kept.fresh_secs, kept.standing), (200, 20, Some(40), "fresh"));
    let past = request(Method::GET, "/shop/7", &[("range", "bytes=0-1")]);
    assert_eq!(house.cache.look(&house.rule, house.asker, past).key, None);
}
