//! What is forgotten, here and elsewhere.

use super::*;

#[tokio::test]
async fn a_change_that_succeeds_forgets_what_was_kept_of_its_address() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    let post = async |status: u16, target: &str, headers: &[(&'static str, &str)]| {
        let origin = Origin::new([says(status, headers, "")]);
        let got = house.ask(&origin, request(Method::POST, target, &[])).await;
        assert_eq!(got.told(), "fwd=method");
    };
    house.get(&origin, &[]).await;
    post(422, "/shop/7", &[]).await;
    post(200, "http://other.example/shop/7", &[]).await;
    post(201, "/shop", &[("location", "https://other.example/shop/7")]).await;
    assert!(house.get(&origin, &[]).await.is_hit());
    post(200, "/shop/7?b=2", &[]).await;
    assert!(!house.get(&origin, &[]).await.is_hit());
    assert!(house.get(&origin, &[]).await.is_hit());
    post(201, "/shop", &[("location", "/shop/7")]).await;
    assert!(!house.get(&origin, &[]).await.is_hit());
}

#[tokio::test]
async fn what_is_purged_by_path_by_tag_or_with_all_is_asked_for_again() {
    let house = House::of(r#"{"ttl_secs": 60, "tags": ["products", "product:{id}"]}"#);
    let named = [("surrogate-key", "red blue"), ("cache-tag", "green")];
    let origin = Origin::new([says(200, &named, "one")]);
    let set = |text: &str| [text.to_owned()].into();
    let purges = [
        Purge { paths: set("/shop/7"), ..Purge::default() },
        Purge { tags: set("products"), ..Purge::default() },
        Purge { tags: set("product:7"), ..Purge::default() },
        Purge { tags: set("blue"), ..Purge::default() },
        Purge { tags: set("green"), ..Purge::default() },
        Purge { all: true, ..Purge::default() },
    ];
    for purge in purges {
        let got = house.get(&origin, &[]).await;
        assert!(!got.is_hit(), "{purge:?}");
        assert!(!got.headers.contains_key("surrogate-key") && !got.headers.contains_key("cache-tag"));
        assert!(house.get(&origin, &[]).await.is_hit());
        let other = Purge { tags: set("product:8"), paths: set("/shop"), ..Purge::default() };
        assert_eq!(house.cache.purge(other).await, Reach::Here);
        assert!(house.get(&origin, &[]).await.is_hit(), "another one's purge");
        house.cache.purge(purge).await;
    }
}

#[tokio::test]
async fn an_answer_that_was_under_way_during_a_purge_is_not_kept() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[("cache-tag", "red")], "before"), says(200, &[], "after")]);
    origin.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut asking = JoinSet::new();
    asking.spawn({
        let (house, origin) = (house.clone(), origin.clone());
        async move { house.get(&origin, &[]).await }
    });
    eventually(async || origin.asked() == 1).await;
    house.cache.purge(Purge { tags: ["red".to_owned()].into(), ..Purge::default() }).await;
    origin.gate.add_permits(10);
    assert_eq!(asking.join_next().await.unwrap().unwrap().body, "before");
    assert_eq!(house.get(&origin, &[]).await.body, "after");
}

#[tokio::test]
async fn a_purge_reaches_the_other_processes_through_redis() {
    let Some(url) = testkit::engines::redis_url() else { return };
    let redis = RedisConfig { url: Some(url.into()), ..RedisConfig::default() };
    let (stopper, stop) = chassis::stop::channel();
    let mut working = JoinSet::new();
    let mut house = || {
        let (state, listener) = State::open(&StateConfig::default(), &redis, Clock::system()).unwrap();
        let house = House::with(r#"{"ttl_secs": 60, "tags": ["red"]}"#, 1 << 20, &state);
        working.spawn(listener.unwrap().listen(stop.clone()));
        working.spawn(house.cache.clone().look_after(stop.clone()));
        (house, state)
    };
    let ((one, _), (other, state)) = (house(), house());
    eventually(async || state.hears_others()).await;
    let origin = Origin::new([says(200, &[], "one")]);
    let is_kept = async || other.get(&origin, &[]).await.is_hit();
    eventually(async || is_kept().await).await;
    let purge = Purge { tags: ["red".to_owned()].into(), ..Purge::default() };
    assert_eq!(one.cache.purge(purge).await, Reach::Everywhere);
    eventually(async || !is_kept().await).await;
    assert!(is_kept().await);
    one.ask(&origin, request(Method::POST, "/shop/7", &[])).await;
    eventually(async || !is_kept().await).await;
    stopper.stop();
    working.join_all().await;
}

#[tokio::test]
async fn a_purge_that_is_being_told_at_the_stop_is_told() {
    let Some(url) = testkit::engines::redis_url() else { return };
    let redis = RedisConfig { url: Some(url.into()), ..RedisConfig::default() };
    let open = |stop: &chassis::stop::Stop| {
        let (state, listener) = State::open(&StateConfig::default(), &redis, Clock::system()).unwrap();
        let house = House::with(r#"{"ttl_secs": 60}"#, 1 << 20, &state);
        let mut working = JoinSet::new();
        working.spawn(listener.unwrap().listen(stop.clone()));
        working.spawn(house.cache.clone().look_after(stop.clone()));
        (house, state, working)
    };
    let (stopper, stop) = chassis::stop::channel();
    let (stays, state, stay) = open(&stop);
    eventually(async || state.hears_others()).await;
    let origin = Origin::new([says(200, &[], "one")]);
    for _ in 0..8 {
        let (leaver, leave) = chassis::stop::channel();
        let (leaves, state, leaving) = open(&leave);
        eventually(async || state.hears_others()).await;
        eventually(async || stays.get(&origin, &[]).await.is_hit()).await;
        let asked = origin.asked();
        leaves.cache.changed("shop.example".to_owned(), "/shop/7".to_owned(), &HeaderMap::new());
        leaver.stop();
        leaving.join_all().await;
        eventually(async || {
            stays.get(&origin, &[]).await;
            origin.asked() > asked
        })
        .await;
    }
    stopper.stop();
    stay.join_all().await;
}
