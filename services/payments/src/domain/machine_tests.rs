use super::*;
use crate::domain::charge::ChargeState as Of;
use contract::payments::PaymentState as At;
use proptest::prelude::*;

fn arb_state() -> impl Strategy<Value = At> {
    prop::sample::select(At::ALL)
}

fn arb_wish() -> impl Strategy<Value = Option<Wish>> {
    prop::sample::select(vec![None, Some(Wish::Capture), Some(Wish::Void)])
}

fn arb_seen() -> impl Strategy<Value = Of> {
    prop::sample::select(Of::ALL.to_vec())
}

#[test]
fn what_is_late_never_turns_a_captured_payment_back() {
    for state in [At::Captured, At::PartiallyRefunded, At::Refunded] {
        for seen in Of::ALL {
            assert_eq!(meet(Standing::at(state), seen), Met::Known, "{state} {seen:?}");
        }
    }
}

#[test]
fn money_that_is_kept_for_a_payment_that_is_over_is_let_go() {
    for state in [At::Failed, At::Voided] {
        let stray = Met::Moves { to: Standing::at(state).wishing(Wish::Void), tell: None };
        assert_eq!(meet(Standing::at(state), Of::Authorized), stray);
        let Met::Moves { to, .. } = stray else { unreachable!() };
        assert_eq!(step(to, true, true), Some(Step::Void));
        assert_eq!(meet(to, Of::Canceled), Met::Moves { to: Standing::at(state), tell: None });
    }
}

#[test]
fn a_payment_that_was_let_go_meanwhile_is_not_told_as_kept() {
    let pending = Standing::at(At::Pending).wishing(Wish::Void);
    assert_eq!(meet(pending, Of::Authorized), Met::Known);
    assert_eq!(step(pending, true, true), Some(Step::Void));
    assert_eq!(step(pending, false, true), Some(Step::Look), "it is never asked for any more");
}

/// The provider, as a model: what it knows, and what it has told to nobody yet.
#[derive(Debug, Default)]
struct World {
    /// The charge; none before the request has landed.
    charge: Option<Of>,
    /// A request for a charge that is still on its way, and what will come of it.
    in_the_air: Option<Of>,
    /// Every state that the charge was in, to be told in any order and any number of times.
    snapshots: Vec<Of>,
}

impl World {
    fn land(&mut self, outcome: Of) -> Of {
        if self.charge.is_none() {
            self.turn(outcome);
        }
        self.charge.unwrap_or(outcome)
    }

    fn turn(&mut self, to: Of) {
        self.charge = Some(to);
        self.snapshots.push(to);
    }
}

/// A payment with its provider.
#[derive(Debug)]
struct Life {
    world: World,
    standing: Standing,
    known: bool,
    told: Vec<Tell>,
}

impl Life {
    fn hear(&mut self, met: Met) {
        if let Met::Moves { to, tell } = met {
            self.standing = to;
            self.told.extend(tell);
        }
    }

    fn see(&mut self, seen: Of) {
        self.known = true;
        self.hear(meet(self.standing, seen));
    }

    /// Does what is next. An answer may be lost.
    fn ask(&mut self, outcome: Of, lost: bool) {
        let Some(step) = step(self.standing, self.known, true) else { return };
        let answer = match (step, self.world.charge) {
            (Step::Authorize, _) => Some(self.world.land(outcome)),
            (Step::Look, None) if self.world.in_the_air.is_some() => return,
            (Step::Look, None) => None,
            (Step::Look, Some(charge)) => Some(charge),
            (Step::Capture, Some(charge)) => {
                if charge == Of::Authorized {
                    self.world.turn(Of::Captured);
                }
                self.world.charge
            }
            (Step::Void, Some(charge)) => {
                if !matches!(charge, Of::Captured | Of::Failed | Of::Canceled) {
                    self.world.turn(Of::Canceled);
                }
                self.world.charge
            }
            (Step::Capture | Step::Void, None) => return,
        };
        match answer {
            _ if lost => {}
            Some(seen) => self.see(seen),
            None => self.hear(meet_nothing(self.standing)),
        }
    }

    /// The same wishes as `app` allows.
    fn wish(&mut self, wish: Wish) {
        let allowed = match wish {
            Wish::Capture => self.standing == Standing::at(At::Authorized),
            Wish::Void => {
                let open = matches!(self.standing.state, At::Pending | At::RequiresAction | At::Authorized);
                open && self.standing.wish.is_none()
            }
        };
        if allowed {
            self.standing.wish = Some(wish);
        }
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Ask {
        outcome: Of,
        lost: bool,
    },
    /// The request leaves, and lands later.
    Send(Of),
    Land,
    Wish(Wish),
    Webhook(usize),
    /// The buyer proves something, or a slow card answers.
    Goes(bool),
}

fn arb_deed() -> impl Strategy<Value = Deed> {
    let outcome =
        || prop::sample::select(vec![Of::Authorized, Of::Failed, Of::RequiresAction, Of::Processing]);
    prop_oneof![
        4 => (outcome(), any::<bool>()).prop_map(|(outcome, lost)| Deed::Ask { outcome, lost }),
        1 => outcome().prop_map(Deed::Send),
        1 => Just(Deed::Land),
        1 => prop::sample::select(vec![Wish::Capture, Wish::Void]).prop_map(Deed::Wish),
        3 => any::<usize>().prop_map(Deed::Webhook),
        1 => any::<bool>().prop_map(Deed::Goes),
    ]
}

fn live(deeds: Vec<Deed>) -> Life {
    let standing = Standing::at(At::Pending);
    let mut life = Life { world: World::default(), standing, known: false, told: Vec::new() };
    for deed in deeds {
        let before = life.standing.state;
        match deed {
            Deed::Ask { outcome, lost } => life.ask(outcome, lost),
            Deed::Send(outcome) => {
                if step(life.standing, life.known, true) == Some(Step::Authorize) {
                    life.world.in_the_air = Some(outcome);
                }
            }
            Deed::Land => {
                if let Some(outcome) = life.world.in_the_air.take() {
                    life.world.land(outcome);
                }
            }
            Deed::Wish(wish) => life.wish(wish),
            Deed::Webhook(n) if !life.world.snapshots.is_empty() => {
                let seen = life.world.snapshots[n % life.world.snapshots.len()];
                life.see(seen);
            }
            Deed::Webhook(_) => {}
            Deed::Goes(well) => {
                if matches!(life.world.charge, Some(Of::RequiresAction | Of::Processing)) {
                    life.world.turn(if well { Of::Authorized } else { Of::Failed });
                }
            }
        }
        if before == At::Captured {
            assert_eq!(life.standing.state, At::Captured, "nothing turns it back");
        }
    }
    // In the end everything lands, everything is told, and whoever asks gets answers.
    if let Some(outcome) = life.world.in_the_air.take() {
        life.world.land(outcome);
    }
    for _ in 0..10 {
        for seen in life.world.snapshots.clone() {
            life.see(seen);
        }
        life.ask(Of::Authorized, false);
    }
    life
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_lost_late_or_said_twice_both_sides_end_alike(deeds in prop::collection::vec(arb_deed(), 0..40)) {
        let life = live(deeds);
        let charge = life.world.charge;
        let alike = match life.standing.state {
            At::Pending => matches!(charge, None | Some(Of::Processing)),
            At::RequiresAction => matches!(charge, Some(Of::RequiresAction | Of::Processing)),
            At::Authorized => charge == Some(Of::Authorized),
            At::Captured | At::PartiallyRefunded | At::Refunded => charge == Some(Of::Captured),
            At::Failed | At::Voided => matches!(charge, None | Some(Of::Failed | Of::Canceled)),
        };
        prop_assert!(alike, "{life:?}");
        prop_assert!(life.standing.wish.is_none(), "{life:?}");
    }

    #[test]
    fn each_end_is_told_once_and_no_two_that_exclude_each_other(deeds in prop::collection::vec(arb_deed(), 0..40)) {
        let life = live(deeds);
        let mut told = life.told.clone();
        told.sort_by_key(|tell| format!("{tell:?}"));
        told.dedup();
        prop_assert_eq!(told.len(), life.told.len(), "{:?}", life);
        let ends = life.told.iter().filter(|tell| matches!(tell, Tell::Captured | Tell::Voided | Tell::Failed));
        prop_assert!(ends.count() <= 1, "{life:?}");
    }

    #[test]
    fn the_same_news_twice_are_no_news(state in arb_state(), wish in arb_wish(), seen in arb_seen()) {
        if let Met::Moves { to, .. } = meet(Standing { state, wish }, seen) {
            let Met::Moves { tell, .. } = meet(to, seen) else { return Ok(()) };
            prop_assert_eq!(tell, None);
        }
    }
}
