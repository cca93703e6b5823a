use super::*;
use crate::peer::instance::{Ending, Flight};

fn bases(names: &[&str]) -> Vec<Base> {
    names.iter().map(|name| Base::parse(&format!("http://{name}")).unwrap()).collect()
}

fn breaker() -> BreakerConfig {
    BreakerConfig { minimum_calls: 2, probe_interval: Duration::from_millis(30), ..BreakerConfig::default() }
}

fn of(names: &[&str]) -> Instances {
    let instances = Instances::new("things", breaker());
    instances.learn(bases(names));
    instances
}

fn fly(instances: &Instances, tried: &Tried) -> Flight {
    let (instance, permit) = instances.pick(tried).unwrap();
    Flight::begin(instance, permit, true)
}

fn named(instances: &Instances, name: &str) -> Arc<Instance> {
    let list = instances.list();
    list.iter().find(|instance| instance.base.host() == name).unwrap().clone()
}

/// Opens the breaker of this instance.
fn fell(instances: &Instances, name: &str) -> Arc<Instance> {
    let instance = named(instances, name);
    for _ in 0..2 {
        Flight::begin(instance.clone(), instance.permit().unwrap(), true).ended(Ending::Failed);
    }
    assert_eq!(instance.state(), BreakerState::Open);
    instance
}

#[tokio::test]
async fn calls_in_hand_are_spread_over_all() {
    let instances = of(&["a", "b", "c"]);
    let flights: Vec<Flight> = (0..90).map(|_| fly(&instances, &Tried::default())).collect();
    let busy: Vec<u32> = instances.list().iter().map(|instance| instance.in_flight()).collect();
    assert!(busy.iter().all(|calls| (20..=40).contains(calls)), "{busy:?}");
    drop(flights);
    assert!(instances.list().iter().all(|instance| instance.in_flight() == 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_instance_gets_less() {
    let instances = of(&["fast", "slow"]);
    let mut slow = 0;
    for _ in 0..200 {
        let mut flight = fly(&instances, &Tried::default());
        let is_slow = flight.instance.base.host() == "slow";
        slow += usize::from(is_slow);
        tokio::time::advance(Duration::from_millis(if is_slow { 50 } else { 1 })).await;
        flight.ended(Ending::Well);
    }
    assert!(
        (1..20).contains(&slow),
        "{slow} of 200 to an instance that is fifty times as slow, and not none"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_fast_does_not_look_fast() {
    let instances = Instances::new("things", BreakerConfig { minimum_calls: 1_000, ..breaker() });
    instances.learn(bases(&["works", "fails"]));
    let mut failed = 0;
    for _ in 0..200 {
        let mut flight = fly(&instances, &Tried::default());
        if flight.instance.base.host() == "fails" {
            failed += 1;
            flight.ended(Ending::Failed);
        } else {
            tokio::time::advance(Duration::from_millis(5)).await;
            flight.ended(Ending::Well);
        }
    }
    assert!(failed < 20, "{failed} of 200 to an instance that fails");
}

#[tokio::test]
async fn an_instance_whose_breaker_is_open_is_left_out() {
    let instances = of(&["a", "b"]);
    fell(&instances, "a");
    for _ in 0..50 {
        assert_eq!(fly(&instances, &Tried::default()).instance.base.host(), "b");
    }
}

#[tokio::test]
async fn when_all_are_open_the_call_is_refused_until_the_first_may_be_tried() {
    let instances = of(&["a", "b"]);
    fell(&instances, "a");
    fell(&instances, "b");
    let refused = instances.pick(&Tried::default()).map(|_| ()).unwrap_err();
    assert!(refused.retry_after <= Duration::from_millis(30), "{refused:?}");
}

#[tokio::test]
async fn one_that_may_be_well_again_is_tried_although_others_are_cheaper() {
    let instances = of(&["a", "b"]);
    let ill = fell(&instances, "a");
    let began = std::time::Instant::now();
    let mut probed = 0;
    while ill.state() != BreakerState::Closed {
        let mut flight = fly(&instances, &Tried::default());
        probed += usize::from(flight.instance.base.host() == "a");
        flight.ended(Ending::Well);
        assert!(began.elapsed() < Duration::from_secs(5), "never closed again");
        tokio::task::yield_now().await;
    }
    assert_eq!(probed, 3, "three calls find out, the others go where it is well");
}

#[tokio::test]
async fn what_was_tried_is_not_tried_again_while_there_is_another() {
    let instances = of(&["a", "b"]);
    for _ in 0..20 {
        let mut tried = Tried::default();
        let first = fly(&instances, &tried).instance.clone();
        tried.add(&first);
        assert!(instances.has_other(&tried));
        // None has a call in hand now, so that the two cost the same.
        let second = fly(&instances, &tried);
        assert_ne!(first.slot, second.instance.slot);
        tried.add(&second.instance);
        assert!(!instances.has_other(&tried));
        fly(&instances, &tried);
    }
}

#[tokio::test]
async fn those_that_stay_keep_what_is_known_of_them() {
    let instances = of(&["a", "b"]);
    let ill = fell(&instances, "a");
    assert_eq!(instances.learn(bases(&["b", "a"])), None, "the order is nothing new");
    let change = instances.learn(bases(&["a", "c", "d"])).unwrap();
    assert_eq!(change, Change { new: 2, gone: 1, all: 3 });
    assert!(Arc::ptr_eq(&ill, &named(&instances, "a")));
    let slots: Vec<usize> = instances.list().iter().map(|instance| instance.slot).collect();
    assert_eq!(slots, [0, 1, 2], "the number of one that is gone is given again");
}

#[tokio::test]
async fn an_empty_list_is_not_believed() {
    let instances = of(&["a"]);
    assert_eq!(instances.learn(Vec::new()), None);
    assert_eq!(instances.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_calls_before_anything_is_known_waits_for_it_until_the_deadline() {
    let instances = Arc::new(Instances::new("things", breaker()));
    assert!(!instances.known(Instant::now() + Duration::from_secs(1)).await);
    let (known, ()) = tokio::join!(instances.known(Instant::now() + Duration::from_secs(1)), async {
        instances.learn(bases(&["a"]));
    });
    assert!(known);
}

#[tokio::test]
async fn a_call_that_nobody_waited_for_leaves_nothing_behind() {
    let instances = of(&["a"]);
    for _ in 0..10 {
        drop(fly(&instances, &Tried::default()));
    }
    let instance = named(&instances, "a");
    assert_eq!((instance.in_flight(), instance.state()), (0, BreakerState::Closed));
}
