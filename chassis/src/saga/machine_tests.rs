//! The state machine of a saga, tried with every flow and every course of events.

use super::*;
use proptest::prelude::*;

fn plan(text: &str) -> Plan {
    text.parse().unwrap()
}

fn after(plan: &Plan, events: &[Event]) -> State {
    events.iter().fold(State::new(plan), |state, event| state.after(plan, *event).unwrap())
}

use Event::{
    Compensate, DeadlinePassed, Failed, Finished, Hopeless, Interrupted, Refused, Retry, Skip, Succeeded,
};
const LAST: Event = Failed { last_try: true };
const AGAIN: Event = Failed { last_try: false };

#[test]
fn a_plan_is_read_as_it_was_written() {
    let text = "hold:local:undo charge:remote:undo | ship:remote note:local";
    assert_eq!(plan(text).to_string(), text);
    assert_eq!(plan(text).pivot, Some(2));
    for wrong in ["hold", "hold:far", "hold:local:redo", ":local", "hold:local:undo:x"] {
        assert!(wrong.parse::<Plan>().is_err(), "{wrong}");
    }
}

#[test]
fn a_refused_step_is_not_undone_and_one_without_an_answer_is() {
    let plan = plan("a:local:undo b:remote:undo c:remote:undo");
    let refused = after(&plan, &[Succeeded, Succeeded, Refused]);
    assert_eq!((refused.phase, refused.action(&plan)), (Phase::Compensating, Some(Action::Undo(1))));
    let unanswered = after(&plan, &[Succeeded, Succeeded, AGAIN, Refused]);
    assert_eq!(unanswered.action(&plan), Some(Action::Undo(2)));
    let interrupted = after(&plan, &[Succeeded, Succeeded, Interrupted, Compensate]);
    assert_eq!(interrupted.action(&plan), Some(Action::Undo(2)));
}

#[test]
fn a_local_step_that_failed_left_nothing_to_undo() {
    let plan = plan("a:local:undo b:local:undo");
    let state = after(&plan, &[Succeeded, AGAIN, Interrupted, LAST]);
    assert_eq!(state.action(&plan), Some(Action::Undo(0)));
}

#[test]
fn behind_the_point_of_no_return_a_refusal_is_stuck_and_cannot_be_compensated() {
    let plan = plan("a:local:undo | b:remote c:local");
    for failure in [Refused, LAST, Hopeless] {
        let stuck = after(&plan, &[Succeeded, failure]);
        assert_eq!(stuck.phase, Phase::Stuck);
        assert_eq!(stuck.clone().after(&plan, Compensate), Err(NotAllowed::NoReturn));
        assert_eq!(stuck.after(&plan, DeadlinePassed).unwrap().phase, Phase::Stuck);
    }
    assert_eq!(after(&plan, &[Succeeded, Refused, Retry, Succeeded, Succeeded]).phase, Phase::Done);
    assert_eq!(after(&plan, &[Succeeded, Refused, Skip, Succeeded]).phase, Phase::Done);
    let skipped = after(&plan, &[Succeeded, Succeeded, Refused, Skip]);
    assert_eq!((skipped.phase, skipped.action(&plan)), (Phase::Running, None));
    assert_eq!(skipped.after(&plan, Finished).unwrap().phase, Phase::Done);
}

#[test]
fn an_undo_that_fails_is_stuck_and_can_be_tried_again_or_skipped() {
    let plan = plan("a:local:undo b:remote:undo c:local");
    let stuck = after(&plan, &[Succeeded, Succeeded, Refused, LAST]);
    assert_eq!((stuck.phase, stuck.back, stuck.action(&plan)), (Phase::Stuck, true, Some(Action::Undo(1))));
    let again = stuck.clone().after(&plan, Retry).unwrap();
    assert_eq!(
        (again.phase, again.action(&plan), again.attempts),
        (Phase::Compensating, Some(Action::Undo(1)), 0)
    );
    let skipped = stuck.after(&plan, Skip).unwrap();
    assert_eq!((skipped.phase, skipped.action(&plan)), (Phase::Compensating, Some(Action::Undo(0))));
}

#[test]
fn a_saga_that_did_nothing_is_compensated_at_once() {
    let plan = plan("a:local:undo b:local");
    assert_eq!(after(&plan, &[Refused]).phase, Phase::Compensated);
    assert_eq!(after(&plan, &[DeadlinePassed]).phase, Phase::Compensated);
}

#[test]
fn a_saga_that_has_ended_stays_as_it_is() {
    let plan = plan("a:local");
    let done = after(&plan, &[Succeeded]);
    for event in [Succeeded, Refused, Interrupted, DeadlinePassed, Retry, Skip, Compensate] {
        assert_eq!(done.clone().after(&plan, event), Err(NotAllowed::Ended));
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let step = (any::<bool>(), any::<bool>());
    (proptest::collection::vec(step, 1..7), proptest::option::of(0_usize..8)).prop_map(|(kinds, pivot)| {
        let step = |(place, (remote, undo))| PlanStep { name: format!("s{place}"), remote, undo };
        let steps: Vec<_> = kinds.into_iter().enumerate().map(step).collect();
        let pivot = pivot.filter(|pivot| *pivot < steps.len());
        Plan { steps, pivot }
    })
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Succeeded),
        2 => any::<bool>().prop_map(|last_try| Failed { last_try }),
        1 => Just(Refused),
        1 => Just(Hopeless),
        1 => Just(Interrupted),
        1 => Just(DeadlinePassed),
        1 => Just(Retry),
        1 => Just(Skip),
        1 => Just(Compensate),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_what_was_done_is_undone_in_reverse_or_all_is_done(
        plan in plans(), events in proptest::collection::vec(events(), 0..60)
    ) {
        let mut state = State::new(&plan);
        // What may have taken effect and is not undone: the world as the saga left it.
        let mut effects: Vec<usize> = Vec::new();
        let mut skipped_undos = Vec::new();
        for event in events {
            let action = state.action(&plan);
            let Ok(next) = state.clone().after(&plan, event) else {
                prop_assert!(state.phase.is_ended() || event == Compensate);
                continue;
            };
            let acts = state.phase.is_open();
            match (action, event) {
                (Some(Action::Do(at)), Succeeded) if acts && effects.last() != Some(&at) => effects.push(at),
                (Some(Action::Do(at)), Failed { .. } | Hopeless | Interrupted)
                    if acts && plan.steps[at].remote && effects.last() != Some(&at) => effects.push(at),
                (Some(Action::Undo(at)), Succeeded) if acts => {
                    let last = effects.iter().rposition(|done| plan.steps[*done].undo);
                    prop_assert_eq!(last.map(|last| effects[last]), Some(at), "out of order");
                    prop_assert!(plan.pivot.is_none_or(|pivot| at < pivot), "behind the point of no return");
                    effects.truncate(last.unwrap_or_default());
                }
                (Some(Action::Undo(at)), Skip) => {
                    skipped_undos.push(at);
                    let last = effects.iter().rposition(|done| *done == at).unwrap();
                    effects.truncate(last);
                }
                // Nobody acts on a stuck saga, nor on one that is about to end.
                (_, Succeeded | Failed { .. } | Refused | Hopeless | Interrupted) if !acts || action.is_none() => continue,
                _ => {}
            }
            prop_assert!(!state.back || next.back, "turned forward again");
            prop_assert_eq!(next.phase == Phase::Compensating, next.back && next.phase.is_open());
            state = next;
            if state.phase == Phase::Compensated {
                prop_assert!(effects.iter().all(|at| !plan.steps[*at].undo), "{:?} left", effects);
            }
            if state.phase == Phase::Done {
                prop_assert!(!state.back);
            }
        }
        // From wherever it stands, it ends: forward, or back.
        for _ in 0..20 {
            if state.phase.is_ended() { break }
            let event = match state.action(&plan) {
                _ if state.phase == Phase::Stuck => Retry,
                Some(_) => Succeeded,
                None => Finished,
            };
            state = state.after(&plan, event).unwrap();
        }
        prop_assert!(state.phase.is_ended());
    }
}
