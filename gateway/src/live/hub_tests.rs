use super::super::position::Epoch;
use super::super::store::Row;
use super::*;
use contract::identity::{Claims, Membership, Role};
use contract::live::Readers;

const ROOM: Bounds = Bounds { connections: 100, of_one_person: 3, queue: 4 };

fn hub() -> Arc<Hub> {
    Arc::new(Hub::new(ROOM, 0))
}

fn who(roles: &[Role], orgs: &[(OrganizationId, OrganizationRole)]) -> Principal {
    Principal::new(Claims {
        iss: String::new(),
        aud: String::new(),
        sub: UserId::new(),
        sid: SessionId::new(),
        jti: Uuid::now_v7(),
        iat: 0,
        nbf: 0,
        exp: 0,
        ver: 3,
        roles: roles.to_vec(),
        orgs: orgs.iter().map(|(id, role)| Membership { id: *id, role: *role }).collect(),
        verified: true,
    })
}

fn message(position: i64, topic: Topic, resource: Uuid, readers: Readers) -> Arc<Message> {
    let row = Row::of(position, topic, resource, readers);
    Arc::new(Message::of(&row, &Epoch::new("e")).unwrap())
}

fn asks(text: &str) -> Subscription {
    text.parse().unwrap()
}

/// The positions in a queue.
fn queued(queue: &mut Receiver<Arc<Message>>) -> Vec<i64> {
    std::iter::from_fn(|| queue.try_recv().ok()).map(|message| message.position).collect()
}

#[test]
fn a_message_reaches_who_wants_it_and_may_read_it_once_and_nobody_else() {
    let (hub, order) = (hub(), Uuid::now_v7());
    let (mine, clerk) = (who(&[], &[]), who(&[Role::Admin], &[]));
    let stranger = who(&[Role::Vendor, Role::Moderator], &[(OrganizationId::new(), OrganizationRole::Owner)]);
    let told = |who: &Principal, topics: &[String]| {
        let (seat, queue) = hub.join(who, Way::WebSocket).unwrap();
        let topics: Vec<_> = topics.iter().map(|topic| asks(topic)).collect();
        hub.subscribe(seat.id, &topics, 0).unwrap();
        (seat, queue)
    };
    let (all, one, mine_only) = ("orders/all".to_owned(), format!("orders/{order}"), "orders".to_owned());
    let everything = [all, one.clone(), mine_only.clone()];
    let mut told = [
        (told(&mine, &everything), 1, "an order of one's own, for two reasons"),
        (told(&clerk, &everything), 1, "a clerk"),
        (told(&stranger, &everything), 0, "a stranger who asks for everything"),
        (told(&clerk, &[mine_only]), 0, "a clerk who asks for orders of their own"),
        (told(&mine, &["todos".to_owned(), "events".to_owned()]), 0, "another topic"),
        (told(&mine, &[format!("orders/{}", Uuid::now_v7())]), 0, "another order"),
        (told(&clerk, &[one]), 1, "a clerk who asks for this order"),
    ];
    let number = hub.tell(&message(1, Topic::Orders, order, Readers::user(mine.user())));
    assert_eq!(number, 3);
    for ((_, queue), expected, whom) in &mut told {
        assert_eq!(queued(queue).len(), *expected, "{whom}");
    }
    assert_eq!(hub.head(), 1);
}

#[test]
fn members_hear_what_is_for_their_role() {
    let (hub, here, there) = (hub(), OrganizationId::new(), OrganizationId::new());
    let seats = [
        (here, OrganizationRole::Member),
        (here, OrganizationRole::Moderator),
        (here, OrganizationRole::Owner),
        (there, OrganizationRole::Owner),
    ];
    let mut told: Vec<_> = seats
        .iter()
        .map(|membership| {
            let (seat, queue) = hub.join(&who(&[Role::Admin], &[*membership]), Way::Stream).unwrap();
            hub.subscribe(seat.id, &[asks("events")], 0).unwrap();
            (seat, queue)
        })
        .collect();
    hub.tell(&message(1, Topic::Events, Uuid::now_v7(), Readers::members(here, OrganizationRole::Moderator)));
    hub.tell(&message(2, Topic::Events, Uuid::now_v7(), Readers::members(here, OrganizationRole::Member)));
    let heard: Vec<_> = told.iter_mut().map(|(_, queue)| queued(queue)).collect();
    assert_eq!(heard, [vec![2], vec![1, 2], vec![1, 2], vec![]]);
}

#[test]
fn who_does_not_read_is_told_no_more_and_costs_nothing_more() {
    let (hub, person) = (hub(), who(&[], &[]));
    let (seat, mut queue) = hub.join(&person, Way::WebSocket).unwrap();
    hub.subscribe(seat.id, &[asks("todos")], 0).unwrap();
    for position in 1..=10 {
        let told = hub.tell(&message(position, Topic::Todos, Uuid::now_v7(), Readers::user(person.user())));
        assert_eq!(told, usize::from(position <= 4), "{position}");
    }
    assert_eq!(queued(&mut queue), [1, 2, 3, 4], "what it has is in order and has no gap");
    assert!(queue.is_closed() && hub.lock().by_address.is_empty());
    let (mut queue, behind) = hub.resume(seat.id).unwrap();
    assert_eq!(behind.after, 4);
    assert!(hub.resume(seat.id).is_none(), "once");
    hub.subscribe(seat.id, &[asks("todos")], 0).unwrap();
    hub.tell(&message(11, Topic::Todos, Uuid::now_v7(), Readers::user(person.user())));
    assert_eq!(queued(&mut queue), [11]);
}

#[test]
fn a_subscription_begins_at_the_head_or_where_the_client_is_further() {
    let (hub, person) = (hub(), who(&[], &[]));
    let tell =
        |position| hub.tell(&message(position, Topic::Todos, Uuid::now_v7(), Readers::user(person.user())));
    tell(1);
    let (seat, mut queue) = hub.join(&person, Way::WebSocket).unwrap();
    tell(2);
    assert_eq!(hub.subscribe(seat.id, &[asks("todos")], 0), Some(2));
    tell(3);
    // From a replica that was ahead of this one.
    assert_eq!(hub.subscribe(seat.id, &[asks("todos")], 5), Some(5));
    for position in 4..=6 {
        tell(position);
    }
    hub.unsubscribe(seat.id, &[asks("todos")]);
    tell(7);
    assert_eq!(queued(&mut queue), [3, 6]);
}

#[test]
fn places_are_bounded_and_given_back() {
    let (hub, person) = (hub(), who(&[], &[]));
    let mut seats: Vec<_> = (0..3).map(|_| hub.join(&person, Way::WebSocket).unwrap()).collect();
    assert_eq!(hub.join(&person, Way::Stream).err(), Some(Full::Person));
    seats.pop();
    seats.push(hub.join(&person, Way::Stream).unwrap());
    seats.extend((3..100).map(|_| hub.join(&who(&[], &[]), Way::WebSocket).unwrap()));
    assert_eq!(hub.join(&who(&[], &[]), Way::WebSocket).err(), Some(Full::House));
    for (seat, _) in &seats {
        hub.subscribe(seat.id, &[asks("orders"), asks("events/all")], 0).unwrap();
    }
    seats.clear();
    let inner = hub.lock();
    assert!(inner.entries.is_empty() && inner.by_address.is_empty() && inner.by_user.is_empty());
    assert!(inner.by_session.is_empty(), "nothing is kept of who has gone");
}

#[test]
fn a_logout_ends_the_connections_of_that_session_and_no_others() {
    let (hub, person) = (hub(), who(&[], &[]));
    let other = who(&[], &[]);
    let (mine, theirs) =
        (hub.join(&person, Way::WebSocket).unwrap(), hub.join(&other, Way::WebSocket).unwrap());
    hub.end_session(person.session());
    assert_eq!(mine.0.fate(), Some(Fate::Logout(LogoutReason::SessionEnded)));
    assert_eq!(theirs.0.fate(), None);
    hub.end_user(other.user(), 3);
    assert_eq!(theirs.0.fate(), None, "a token of the version that still holds");
    hub.end_user(other.user(), 4);
    assert_eq!(theirs.0.fate(), Some(Fate::Logout(LogoutReason::RightsChanged)));
}

#[test]
fn with_another_token_somebody_hears_what_that_one_lets_them() {
    let (hub, organization) = (hub(), OrganizationId::new());
    let before = who(&[], &[(organization, OrganizationRole::Moderator)]);
    let (seat, mut queue) = hub.join(&before, Way::WebSocket).unwrap();
    hub.subscribe(seat.id, &[asks("events")], 0).unwrap();
    let tell = |position, role| {
        hub.tell(&message(position, Topic::Events, Uuid::now_v7(), Readers::members(organization, role)))
    };
    tell(1, OrganizationRole::Moderator);
    let after = who(&[], &[(organization, OrganizationRole::Member)]);
    hub.renew(seat.id, &after);
    tell(2, OrganizationRole::Moderator);
    tell(3, OrganizationRole::Member);
    assert_eq!(queued(&mut queue), [1, 3]);
    hub.end_session(before.session());
    assert_eq!(seat.fate(), None, "it belongs to another session now");
    hub.end_session(after.session());
    assert!(seat.fate().is_some());
}

#[tokio::test]
async fn a_hub_that_closes_sends_everybody_away_and_takes_nobody_more() {
    let hub = hub();
    let (seat, mut queue) = hub.join(&who(&[], &[]), Way::WebSocket).unwrap();
    hub.close();
    assert!(queue.recv().await.is_none());
    assert_eq!(seat.fate(), Some(Fate::Bye));
    assert_eq!(hub.join(&who(&[], &[]), Way::WebSocket).err(), Some(Full::Stopping));
    let emptied = hub.emptied();
    drop(seat);
    emptied.await;
}
