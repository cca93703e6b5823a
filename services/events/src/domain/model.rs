//! The whole of the rules against a model of them: people of an organisation and of another do things at random, and what
//! comes of it is what the house promises.

use super::event::tests::content;
use super::event::{Event, Moved};
use super::lifecycle::{self, Action, MOVES};
use super::viewer::{Rules, Viewer};
use chassis::clock::Ts;
use contract::events::{EventAction, EventStatus};
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, UserId};
use proptest::prelude::*;

/// Two members, two moderators, an admin, an owner; a stranger, and an administrator of the platform.
fn people() -> Vec<Viewer> {
    let of = |role, reads_all| Viewer { user: UserId::new(), role, reads_all };
    let member = Some(OrganizationRole::Member);
    let moderator = Some(OrganizationRole::Moderator);
    vec![
        of(member, false),
        of(member, false),
        of(moderator, false),
        of(moderator, false),
        of(Some(OrganizationRole::Admin), false),
        of(Some(OrganizationRole::Owner), false),
        of(None, false),
        of(None, true),
    ]
}

/// What [`crate::app`] does, without its transaction.
fn does(who: &Viewer, event: &Event, action: Action, rules: Rules, turn: i64) -> Option<Moved> {
    who.may(event, action, rules).ok()?;
    let (now, event) = (Ts::from_secs(turn), event.clone());
    let to = lifecycle::after(event.status, action).ok()?;
    let change = || (content(&format!("Title {turn}")), Vec::new());
    Some(match action {
        Action::Edit => event.edited(to, who.user, now, change()),
        Action::Submit => event.submitted(to, who.user, now),
        Action::Approve => event.approved(to, who.user, now),
        Action::Reject => event.rejected(to, who.user, now, "Not like this.".to_owned()),
        Action::Reopen => event.reopened(to, who.user, now),
        Action::Delete => return None,
    })
}

fn actions() -> impl Strategy<Value = Action> {
    prop::sample::select(Action::ALL.to_vec())
}

proptest! {
    #[test]
    fn whatever_people_do_the_rules_hold(
        author in 0_usize..6, own_decisions: bool,
        deeds in prop::collection::vec((0_usize..8, actions()), 0..60),
    ) {
        let (people, rules) = (people(), Rules { own_decisions });
        let creator = people[author].user;
        let (mut event, _) = Event::made(OrganizationId::new(), content("Fair"), creator, Ts::from_secs(0));
        // What was approved, and by whom, as the model has it.
        let mut approved: Option<(String, UserId)> = None;
        for (turn, (person, action)) in deeds.into_iter().enumerate() {
            let who = &people[person];
            let turn = i64::try_from(turn).unwrap() + 1;
            let Some((after, step)) = does(who, &event, action, rules, turn) else { continue };
            // Only the moves of the table, one version each, and the step says what happened.
            prop_assert!(MOVES.contains(&(event.status, action, after.status)));
            prop_assert_eq!(after.version, event.version + 1);
            prop_assert_eq!((step.version, step.from, step.to), (after.version, Some(event.status), Some(after.status)));
            prop_assert_eq!((step.by, step.creator, after.creator), (who.user, creator, creator));
            // Nobody of another organisation does anything, nor who only reads.
            prop_assert!(who.role.is_some());
            if step.action == EventAction::Approved || step.action == EventAction::Rejected {
                prop_assert!(who.decides());
                let wrote = who.user == event.creator || who.user == event.editor;
                prop_assert!(own_decisions || !wrote);
                prop_assert_eq!(&after.content, &event.content);
            }
            if step.action == EventAction::Approved {
                approved = Some((after.content.title.clone(), who.user));
            }
            if step.action == EventAction::Submitted || step.action == EventAction::Reopened {
                prop_assert_eq!(who.user, creator);
            }
            event = after;
            // What is shown as approved is what somebody approved.
            if event.status == EventStatus::Approved {
                prop_assert_eq!(approved.as_ref(), Some(&(event.content.title.clone(), event.decider.unwrap())));
            }
            // What the tables demand of a row.
            prop_assert!(event.status != EventStatus::Rejected || event.reason.is_some());
            prop_assert!(event.reason.is_none() || matches!(event.status, EventStatus::Draft | EventStatus::Rejected));
            let decided = matches!(event.status, EventStatus::Approved | EventStatus::Rejected);
            prop_assert!(!decided || event.decider.is_some());
        }
    }

    #[test]
    fn wherever_an_event_stands_its_people_can_bring_it_to_approval(
        deeds in prop::collection::vec((0_usize..8, actions()), 0..40),
    ) {
        let people = people();
        let (mut event, _) = Event::made(OrganizationId::new(), content("Fair"), people[0].user, Ts::from_secs(0));
        for (person, action) in deeds {
            if let Some((after, _)) = does(&people[person], &event, action, Rules::default(), 1) {
                event = after;
            }
        }
        // The creator, and a moderator who did not write it.
        let free = if event.editor == people[2].user { &people[3] } else { &people[2] };
        let way = [(&people[0], Action::Reopen), (&people[0], Action::Submit), (free, Action::Approve)];
        for (who, action) in way {
            if let Some((after, _)) = does(who, &event, action, Rules::default(), 2) {
                event = after;
            }
        }
        prop_assert_eq!(event.status, EventStatus::Approved);
    }
}
