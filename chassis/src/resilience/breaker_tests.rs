use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

struct Trial {
    breaker: Breaker,
    time: Monotonic,
}

impl Trial {
    fn new() -> Self {
        Self::with(BreakerConfig { slow_after: SECOND, ..BreakerConfig::default() })
    }

    fn with(config: BreakerConfig) -> Self {
        let time = Monotonic::manual();
        let breaker = Breaker::with_time("tests", "trial", config, time.clone());
        Self { breaker, time }
    }

    fn good(&self, calls: usize) {
        (0..calls).for_each(|_| self.breaker.permit().unwrap().succeeded());
    }

    fn bad(&self, calls: usize) {
        (0..calls).for_each(|_| self.breaker.permit().unwrap().failed());
    }

    /// Fails until it opens.
    fn open() -> Self {
        let trial = Self::new();
        trial.bad(10);
        assert_eq!(trial.breaker.state(), BreakerState::Open);
        trial
    }

    /// Open for a probe interval: the next calls are probes.
    fn due() -> Self {
        let trial = Self::open();
        trial.time.advance(5 * SECOND);
        trial
    }

    fn state(&self) -> BreakerState {
        self.breaker.state()
    }
}

#[test]
fn it_opens_when_half_of_enough_calls_failed() {
    let trial = Trial::new();
    trial.good(3);
    trial.bad(6);
    assert_eq!(trial.state(), BreakerState::Closed, "nine calls are too few");
    trial.bad(1);
    assert_eq!(trial.state(), BreakerState::Open);
    assert_eq!(trial.breaker.permit().unwrap_err().retry_after, 5 * SECOND);
}

#[test]
fn less_than_half_does_not_open_it() {
    let trial = Trial::new();
    trial.good(100);
    trial.bad(99);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn ten_thousand_good_calls_long_ago_do_not_keep_it_closed() {
    let trial = Trial::new();
    trial.good(10_000);
    trial.time.advance(10 * SECOND);
    trial.bad(10);
    assert_eq!(trial.state(), BreakerState::Open);
}

#[test]
fn failures_long_ago_do_not_open_it() {
    let trial = Trial::new();
    trial.bad(9);
    trial.time.advance(10 * SECOND);
    trial.bad(1);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn calls_that_succeed_slowly_open_it() {
    let trial = Trial::new();
    for _ in 0..10 {
        let permit = trial.breaker.permit().unwrap();
        trial.time.advance(2 * SECOND);
        permit.succeeded();
    }
    assert_eq!(trial.state(), BreakerState::Closed, "five calls in ten seconds are too few");
    let permits: Vec<_> = (0..10).map(|_| trial.breaker.permit().unwrap()).collect();
    trial.time.advance(2 * SECOND);
    permits.into_iter().for_each(Permit::succeeded);
    assert_eq!(trial.state(), BreakerState::Open);
}

#[test]
fn a_permit_that_is_dropped_counts_nothing() {
    let trial = Trial::new();
    (0..100).for_each(|_| drop(trial.breaker.permit().unwrap()));
    trial.bad(9);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn calls_that_are_given_up_after_a_long_wait_were_slow() {
    let trial = Trial::new();
    let waiting: Vec<_> = (0..10).map(|_| trial.breaker.permit().unwrap()).collect();
    trial.time.advance(2 * SECOND);
    drop(waiting);
    assert_eq!(trial.state(), BreakerState::Open);
}

#[test]
fn half_open_lets_three_probes_through_and_closes_when_all_succeed() {
    let trial = Trial::due();
    let probes: Vec<_> = (0..3).map(|_| trial.breaker.permit().unwrap()).collect();
    assert_eq!(trial.state(), BreakerState::HalfOpen);
    assert!(trial.breaker.permit().is_err(), "a fourth probe");
    for probe in probes {
        assert_eq!(trial.state(), BreakerState::HalfOpen);
        probe.succeeded();
    }
    assert_eq!(trial.state(), BreakerState::Closed);
    trial.bad(9);
    assert_eq!(trial.state(), BreakerState::Closed, "what was counted before it opened must be forgotten");
}

#[test]
fn a_probe_that_fails_or_is_slow_opens_it_again_for_a_whole_interval() {
    for slow in [false, true] {
        let trial = Trial::due();
        let probe = trial.breaker.permit().unwrap();
        if slow {
            trial.time.advance(2 * SECOND);
            probe.succeeded();
        } else {
            probe.failed();
        }
        assert_eq!(trial.state(), BreakerState::Open);
        assert_eq!(trial.breaker.permit().unwrap_err().retry_after, 5 * SECOND);
    }
}

#[test]
fn a_probe_that_is_cancelled_gives_its_place_back() {
    let trial = Trial::due();
    for _ in 0..100 {
        let probes: Vec<_> = (0..3).map(|_| trial.breaker.permit().unwrap()).collect();
        drop(probes);
    }
    trial.good(3);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn a_call_let_through_while_closed_is_no_probe_when_it_ends_half_open() {
    let trial = Trial::new();
    let late: Vec<_> = (0..6).map(|_| trial.breaker.permit().unwrap()).collect();
    trial.bad(10);
    trial.time.advance(5 * SECOND);
    let probe = trial.breaker.permit().unwrap();
    assert!(probe.is_probe() && late.iter().all(|permit| !permit.is_probe()));
    let mut late = late.into_iter();
    late.by_ref().take(3).for_each(Permit::succeeded);
    assert_eq!(trial.state(), BreakerState::HalfOpen, "old successes closed it");
    late.by_ref().take(2).for_each(Permit::failed);
    assert_eq!(trial.state(), BreakerState::HalfOpen, "old failures opened it");
    drop(late);
    let others: Vec<_> = (0..2).map(|_| trial.breaker.permit().unwrap()).collect();
    assert!(trial.breaker.permit().is_err(), "an old call gave back a place that it never had");
    probe.succeeded();
    others.into_iter().for_each(Permit::succeeded);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn probes_that_hang_make_room_for_others() {
    let trial = Trial::due();
    let hanging: Vec<_> = (0..3).map(|_| trial.breaker.permit().unwrap()).collect();
    assert_eq!(trial.breaker.permit().unwrap_err().retry_after, 5 * SECOND);
    trial.time.advance(5 * SECOND);
    trial.good(3);
    assert_eq!(trial.state(), BreakerState::Closed);
    hanging.into_iter().for_each(Permit::failed);
    assert_eq!(trial.state(), BreakerState::Closed, "they say nothing about now");
}

#[test]
fn with_few_calls_one_success_closes_it_after_another_interval() {
    let trial = Trial::due();
    trial.good(1);
    assert_eq!(trial.state(), BreakerState::HalfOpen);
    trial.time.advance(5 * SECOND);
    assert_eq!(trial.state(), BreakerState::Closed);
}

#[test]
fn it_closes_within_two_probe_intervals_after_the_dependency_heals() {
    // Called every 100 ms by somebody who gives up after 30 s; the dependency answers nothing until it heals.
    for heals_after in (0..200).map(|tenths| tenths * SECOND / 10) {
        let trial = Trial::open();
        let mut hanging = Vec::new();
        let mut step = |answers: bool| {
            match trial.breaker.permit() {
                Ok(permit) if answers => permit.succeeded(),
                Ok(permit) => hanging.push(permit),
                Err(_) => {}
            }
            trial.time.advance(SECOND / 10);
            trial.time.now()
        };
        while step(false) < heals_after {}
        let healed = trial.time.now();
        while trial.breaker.state() != BreakerState::Closed {
            let took = step(true) - healed;
            assert!(took <= 10 * SECOND, "healed at {healed:?} and not closed {took:?} later");
        }
    }
}

#[test]
fn a_long_run_costs_no_more_a_call_than_a_short_one() {
    let trial = Trial::new();
    let time = |calls: u32| {
        let began = std::time::Instant::now();
        (0..calls).for_each(|_| trial.breaker.permit().unwrap().succeeded());
        began.elapsed() / calls
    };
    time(1_000);
    let short = time(1_000);
    time(200_000);
    let long = time(1_000);
    assert!(long < 20 * short + Duration::from_micros(20), "{short:?} became {long:?}");
}

proptest! {
    /// Whatever happens in whatever order: never more probes at once than may be, within an interval, and no state in which it
    /// stays for good.
    #[test]
    fn it_never_lets_more_probes_through_and_always_recovers(
        steps in prop::collection::vec((0_u8..6, 0_u64..7_000), 1..300),
    ) {
        let trial = Trial::new();
        let mut held: Vec<(Permit, BreakerState, Duration)> = Vec::new();
        for (act, millis) in steps {
            match act {
                0 | 1 => if let Ok(permit) = trial.breaker.permit() {
                    let state = trial.breaker.state();
                    prop_assert_ne!(state, BreakerState::Open);
                    held.push((permit, state, trial.time.now()));
                },
                2 => held.drain(..).for_each(|(permit, ..)| permit.failed()),
                3 => held.drain(..).for_each(|(permit, ..)| permit.succeeded()),
                4 => held.clear(),
                _ => trial.time.advance(Duration::from_millis(millis)),
            }
            let now = trial.time.now();
            let fresh = |since: Duration| now - since < 5 * SECOND;
            let probes = held.iter().filter(|(_, state, since)| *state == BreakerState::HalfOpen && fresh(*since));
            prop_assert!(trial.breaker.state() != BreakerState::HalfOpen || probes.count() <= 6);
        }
        for _ in 0..4 {
            trial.time.advance(5 * SECOND);
            while let Ok(permit) = trial.breaker.permit() {
                permit.succeeded();
                if trial.breaker.state() == BreakerState::Closed {
                    break;
                }
            }
        }
        prop_assert_eq!(trial.breaker.state(), BreakerState::Closed);
    }
}
