use super::*;
use crate::upstream::flight::Ending;
use chassis::peer::Base;
use http::uri::Authority;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn places(weights: &[u32]) -> Vec<Place> {
    named(weights.iter().enumerate().map(|(number, weight)| (number, *weight)))
}

fn named(these: impl IntoIterator<Item = (usize, u32)>) -> Vec<Place> {
    let host = Authority::from_static("things:80");
    let place = |(number, weight)| {
        let base = Base::parse(&format!("http://10.0.0.{number}:8080")).unwrap();
        Place { instance: Arc::new(Instance::new(&Weak::new(), "things".into(), (base, &host), 0.0)), weight }
    };
    these.into_iter().map(place).collect()
}

fn want(key: Option<u64>) -> Want<'static> {
    Want { now: Instant::now(), key, sticky: None, tried: &[], only_looks: false }
}

/// How often each is taken.
fn spread(table: &Table, requests: u64, key: impl Fn(u64) -> Option<u64>) -> BTreeMap<Arc<str>, u64> {
    let mut spread: BTreeMap<Arc<str>, u64> =
        table.list.iter().map(|place| (place.instance.name.clone(), 0)).collect();
    for request in 0..requests {
        let (instance, _) = table.pick(&want(key(request))).unwrap();
        *spread.get_mut(&instance.name).unwrap() += 1;
    }
    spread
}

fn counts(table: &Table, requests: u64) -> Vec<u64> {
    spread(table, requests, |_| None).into_values().collect()
}

#[tokio::test]
async fn round_robin_gives_each_its_turn() {
    assert_eq!(counts(&Table::new(places(&[1, 1, 1]), Balance::RoundRobin, 0), 30), [10, 10, 10]);
}

#[tokio::test]
async fn weighted_gives_turns_by_weight_and_spreads_them() {
    let table = Table::new(places(&[5, 1, 2]), Balance::Weighted, 0);
    assert_eq!(counts(&table, 80), [50, 10, 20]);
    assert_eq!(
        Table::new(places(&[50, 10, 20]), Balance::Weighted, 0).round,
        table.round,
        "only the ratio counts"
    );
    assert_eq!(table.round, [0, 2, 0, 0, 1, 0, 2, 0]);
}

#[tokio::test]
async fn least_connections_takes_who_has_the_fewest_for_its_weight() {
    let table = Table::new(places(&[1, 1, 4]), Balance::LeastConnections, 0);
    for _ in 0..60 {
        let (instance, _) = table.pick(&want(None)).unwrap();
        instance.took_one();
    }
    let in_flight: Vec<u32> = table.list.iter().map(|place| place.instance.in_flight()).collect();
    assert_eq!(in_flight, [10, 10, 40]);
}

#[tokio::test]
async fn two_choices_prefers_who_is_faster_and_less_busy() {
    let table = Table::new(places(&[1, 1, 1]), Balance::TwoChoices, 0);
    let even = counts(&table, 3_000);
    assert!(even.iter().all(|count| (800..1_200).contains(count)), "{even:?}");
    table.list[0].instance.ended(Ending::Well, 50 * Duration::from_millis(1), Instant::now());
    for _ in 0..5 {
        table.list[1].instance.took_one();
    }
    let uneven = counts(&table, 3_000);
    assert_eq!(uneven[0], 0, "of two, the slow one is never the cheaper");
    assert!((900..1_100).contains(&uneven[1]), "only where it is drawn with the slow one: {uneven:?}");
}

#[tokio::test]
async fn an_instance_that_is_not_well_gets_nothing_and_the_others_all() {
    for rule in [
        Balance::RoundRobin,
        Balance::Weighted,
        Balance::LeastConnections,
        Balance::TwoChoices,
        Balance::ConsistentHash,
    ] {
        let table = Table::new(places(&[1, 1, 1, 1]), rule, 0);
        table.list[1].instance.condition.eject(Instant::now(), SECOND).unwrap();
        table.list[2].instance.condition.checked(false, 1, 1).unwrap();
        let spread: Vec<u64> = spread(&table, 400, |key| Some(mix(key))).into_values().collect();
        assert_eq!((spread[1], spread[2]), (0, 0), "{rule:?}");
        assert!(spread[0] > 100 && spread[3] > 100, "{rule:?}: {spread:?}");
        for place in &table.list {
            place.instance.condition.eject(Instant::now(), SECOND);
        }
        assert!(table.pick(&want(Some(1))).is_none(), "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_gets_more_from_moment_to_moment() {
    for rule in [Balance::RoundRobin, Balance::LeastConnections, Balance::TwoChoices, Balance::ConsistentHash]
    {
        let table = Table::new(places(&[1, 1]), rule, 0);
        table.list[1].instance.condition.warm_up(Instant::now(), 10 * SECOND);
        let mut shares = Vec::new();
        for _ in 0..3 {
            shares.push(spread(&table, 2_000, |key| Some(mix(key))).into_values().nth(1).unwrap());
            advance(5 * SECOND).await;
        }
        assert!(shares[0] < 150, "{rule:?}: {shares:?}");
        assert!((300..750).contains(&shares[1]), "{rule:?}: {shares:?}");
        assert!((900..1_100).contains(&shares[2]), "{rule:?}: {shares:?}");
    }
}

#[tokio::test]
async fn one_that_has_no_room_gets_no_more() {
    let table = Table::new(places(&[1, 1]), Balance::RoundRobin, 2);
    for _ in 0..4 {
        table.pick(&want(None)).unwrap().0.took_one();
    }
    assert!(table.pick(&want(None)).is_none());
    table.list[1].instance.gave_back_one();
    let (instance, _) = table.pick(&want(None)).unwrap();
    assert!(Arc::ptr_eq(instance, &table.list[1].instance));
}

#[tokio::test]
async fn what_was_tried_is_left_for_the_end() {
    let table = Table::new(places(&[1, 1, 1]), Balance::RoundRobin, 0);
    let tried: Vec<Arc<Instance>> = table.list[..2].iter().map(|place| place.instance.clone()).collect();
    for _ in 0..10 {
        let (instance, _) = table.pick(&Want { tried: &tried, ..want(None) }).unwrap();
        assert!(Arc::ptr_eq(instance, &table.list[2].instance));
    }
    table.list[2].instance.condition.eject(Instant::now(), SECOND);
    assert!(table.pick(&Want { tried: &tried, ..want(None) }).is_some_and(|(_, why)| why == Why::Remains));
}

#[tokio::test]
async fn a_cookie_leads_to_its_instance_while_that_is_well() {
    let table = Table::new(places(&[1, 1, 1]), Balance::RoundRobin, 0);
    let third = &table.list[2].instance;
    let sticky = Want { sticky: Some(third.token), ..want(None) };
    for _ in 0..10 {
        assert_eq!(
            table.pick(&sticky).map(|(one, why)| (Arc::ptr_eq(one, third), why)),
            Some((true, Why::Sticky))
        );
    }
    third.condition.checked(false, 1, 1);
    assert!(table.pick(&sticky).is_some_and(|(one, why)| !Arc::ptr_eq(one, third) && why == Why::Rule));
}

#[tokio::test]
async fn a_hash_spreads_by_weight() {
    let table = Table::new(places(&[1, 2, 1]), Balance::ConsistentHash, 0);
    let spread: Vec<u64> = spread(&table, 40_000, |key| Some(mix(key))).into_values().collect();
    assert!((9_500..10_500).contains(&spread[0]) && (19_300..20_700).contains(&spread[1]), "{spread:?}");
}

fn chosen(table: &Table, key: u64) -> Arc<str> {
    table.pick(&want(Some(key))).unwrap().0.name.clone()
}

proptest! {
    #[test]
    fn a_hash_moves_the_keys_of_who_comes_or_goes_and_no_others(
        weights in prop::collection::vec(1_u32..10, 2..12),
        gone in any::<prop::sample::Index>(),
        keys in prop::collection::vec(any::<u64>(), 1..200),
    ) {
        let gone = gone.index(weights.len());
        let all = Table::new(places(&weights), Balance::ConsistentHash, 0);
        let left = weights.iter().copied().enumerate().filter(|(number, _)| *number != gone);
        let left = Table::new(named(left), Balance::ConsistentHash, 0);
        for key in keys {
            let (with, without) = (chosen(&all, key), chosen(&left, key));
            prop_assert!(with == without || with == all.list[gone].instance.name);
        }
    }

    #[test]
    fn whatever_is_ill_full_or_tried_somebody_is_found_when_somebody_is_left(
        states in prop::collection::vec(0_u8..4, 1..10),
        rule in 0_usize..5,
        key in any::<u64>(),
    ) {
        let rules = [
            Balance::RoundRobin, Balance::Weighted, Balance::LeastConnections, Balance::TwoChoices, Balance::ConsistentHash,
        ];
        let table = Table::new(places(&vec![1; states.len()]), rules[rule], 1);
        let mut tried = Vec::new();
        for (place, state) in table.list.iter().zip(&states) {
            match state {
                1 => drop(place.instance.condition.eject(Instant::now(), SECOND)),
                2 => place.instance.took_one(),
                3 => tried.push(place.instance.clone()),
                _ => {}
            }
        }
        let fits = |place: &Place, state: u8| {
            table.list.iter().zip(&states).any(|(one, known)| Arc::ptr_eq(&one.instance, &place.instance) && *known == state)
        };
        let picked = table.pick(&Want { tried: &tried, ..want(Some(key)) });
        let picked = picked.and_then(|(one, _)| table.list.iter().find(|place| Arc::ptr_eq(&place.instance, one)));
        match picked {
            Some(place) if states.contains(&0) => prop_assert!(fits(place, 0)),
            Some(place) => prop_assert!(fits(place, 3)),
            None => prop_assert!(!states.contains(&0) && !states.contains(&3)),
        }
    }
}
