//! What is missed and what is told join without a gap and without a repeat, while many write and readers come and go.

use super::hub::Way;
use super::out::{End, Out};
use super::session::Session;
use super::*;
use crate::Gateway;
use contract::auth::Token;
use contract::identity::{Membership, OrganizationRole, Role};
use contract::ids::{OrganizationId, UserId};
use contract::live::{Readers, ServerFrame, Topic};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::{Engine, FakeAuth, Issuer, Setup, TestService, eventually, on_both_engines};
use tokio::task::JoinSet;
use uuid::Uuid;

/// A gateway, and replicas of its channel on the same database.
struct House {
    service: TestService,
    issuer: Issuer,
}

impl House {
    async fn start(engine: Engine) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Gateway>().and::<FakeAuth>().issuer(&issuer);
        let service = setup.set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600").start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, issuer })
    }

    /// A replica; nobody follows its history yet.
    async fn replica(&self, queue: usize) -> Channel {
        let config = GatewayConfig {
            live_queue: queue,
            live_max_per_user: 100,
            live_slow_secs: 2,
            ..GatewayConfig::default()
        };
        Channel::over(self.around(), &config).await.unwrap()
    }

    fn around(&self) -> Around {
        let shared = self.service.assembled().shared();
        Around {
            db: self.db().clone(),
            clock: self.service.clock().clone(),
            verifier: Arc::clone(shared.verifier()),
            added: shared.wake("live"),
            origins: Origins::new(&[], ""),
        }
    }

    fn db(&self) -> &Db {
        self.service.db("gateway")
    }

    fn token(&self, roles: &[Role], orgs: &[(OrganizationId, OrganizationRole)]) -> (UserId, Token) {
        let mut claims = self.issuer.claims(self.service.clock(), roles);
        claims.orgs = orgs.iter().map(|(id, role)| Membership { id: *id, role: *role }).collect();
        (claims.sub, Token::new(self.issuer.sign(&claims)))
    }
}

fn connect(channel: &Channel, token: &Token) -> Session {
    let who = channel.verifier.verify(token.expose()).unwrap();
    Session::begin(channel, who, token.clone(), Way::WebSocket).unwrap()
}

async fn add(channel: &Channel, topic: Topic, readers: Readers) -> i64 {
    let mut t = channel.db.begin().await.unwrap();
    let resource = append(channel, &mut t, topic, readers);
    t.commit().await.unwrap();
    let rows = all(channel).await;
    rows.iter().find(|row| row.resource == resource).unwrap().position
}

/// Everything that is kept.
async fn all(channel: &Channel) -> Vec<store::Row> {
    store::list(&channel.db, store::Part { after: 0, until: i64::MAX, most: i64::MAX }).await.unwrap()
}

fn append(channel: &Channel, t: &mut chassis::db::Tx, topic: Topic, readers: Readers) -> Uuid {
    let (now, resource) = (channel.clock.now(), Uuid::now_v7());
    let (kind, data) = ("thing.happened", "{}".to_owned());
    store::append(t, store::New { topic, resource, kind, readers, data, at: now, told_at: now });
    resource
}

/// The next thing that is no sign of life.
async fn next(session: &mut Session) -> Out {
    loop {
        match session.next().await.unwrap() {
            Out::Frame(ServerFrame::Heartbeat { .. } | ServerFrame::Ready { .. }) => {}
            out => return out,
        }
    }
}

fn position(out: &Out) -> i64 {
    match out {
        Out::Message(message) | Out::Missed(message) => message.position,
        other => panic!("wanted a message, not {other:?}"),
    }
}

/// What a reader has received, and what it ought to have.
type Positions = Vec<i64>;

async fn who_comes_and_goes_among_writers_has_everything_once_and_in_order(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let organization = OrganizationId::new();
    let replicas = [house.replica(8).await, house.replica(8).await];
    let people: Vec<_> = (0..4)
        .map(|number| match number {
            0 => house.token(&[], &[(organization, OrganizationRole::Moderator)]),
            _ => house.token(&[], &[(organization, OrganizationRole::Member)]),
        })
        .collect();
    let written: Arc<Mutex<BTreeMap<Uuid, Readers>>> = Arc::default();
    let done = Arc::new(AtomicBool::new(false));
    let mut tails = JoinSet::new();
    for channel in replicas.clone() {
        let done = Arc::clone(&done);
        tails.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                channel.look().await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..6_u64 {
        let (channel, written) = (replicas[0].clone(), Arc::clone(&written));
        let people: Vec<UserId> = people.iter().map(|(user, _)| *user).collect();
        writers.spawn(async move {
            for turn in 0..30_u64 {
                let mut t = channel.db.begin().await.unwrap();
                let mut mine = Vec::new();
                for n in 0..=(turn % 3) {
                    let person = people[((writer + turn + n) % 4) as usize];
                    let readers = match (writer + n) % 3 {
                        0 => Readers::members(organization, OrganizationRole::Moderator),
                        1 => Readers::user(person),
                        _ => Readers::user(person).and_members(organization, OrganizationRole::Moderator),
                    };
                    mine.push((append(&channel, &mut t, Topic::Events, readers), readers));
                    tokio::time::sleep(Duration::from_micros(137 * ((writer * 7 + turn * 3 + n) % 11))).await;
                }
                if (writer + turn) % 5 == 0 {
                    t.rollback().await.unwrap();
                } else {
                    t.commit().await.unwrap();
                    written.lock().unwrap().extend(mine);
                }
            }
        });
    }
    let mut readers = JoinSet::new();
    for reader in 0..12_usize {
        let (user, token) = people[reader % 4].clone();
        let (replicas, done) = (replicas.clone(), Arc::clone(&done));
        readers.spawn(async move {
            let (mut has, mut after) = (Positions::new(), replicas[0].epoch.at(0).to_string());
            for round in 0.. {
                let channel = &replicas[(reader + round) % 2];
                let mut session = connect(channel, &token);
                session.subscribe(vec!["events".parse().unwrap()], Some(&after));
                // It breaks off in the middle of whatever comes, after another number of things each time.
                for _ in 0..=((reader * 5 + round * 3) % 17) {
                    let out = tokio::time::timeout(Duration::from_millis(40), session.next()).await;
                    match out {
                        Ok(Some(Out::Message(message) | Out::Missed(message))) => {
                            has.push(message.position);
                            after = channel.epoch.at(message.position).to_string();
                        }
                        Ok(Some(Out::Frame(ServerFrame::Subscribed { position, .. }))) => after = position,
                        Ok(Some(Out::Frame(ServerFrame::Reset { reason, .. }))) => panic!("reset: {reason}"),
                        Ok(Some(Out::Frame(_) | Out::End(End::Slow))) => {}
                        Ok(Some(Out::End(end))) => panic!("ended: {end:?}"),
                        Ok(None) | Err(_) => break,
                    }
                }
                if done.load(Ordering::SeqCst) && Some(after.as_str()) == last(channel).await.as_deref() {
                    return (user, has);
                }
            }
            unreachable!("it comes back until it has everything")
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    for channel in &replicas {
        eventually(async || channel.look().await.is_ok_and(|more| !more)).await;
        let end = store::head(&channel.db).await.unwrap().position;
        eventually(async || {
            channel.look().await.unwrap();
            channel.hub.head() >= end
        })
        .await;
    }
    done.store(true, Ordering::SeqCst);
    let written = written.lock().unwrap().clone();
    let rows = all(&replicas[0]).await;
    let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
    assert_eq!(positions, (1..=rows.len() as i64).collect::<Vec<_>>(), "none is left out");
    assert_eq!(rows.len(), written.len(), "what was rolled back is not there");
    let written: BTreeMap<i64, Readers> =
        rows.iter().map(|row| (row.position, written[&row.resource])).collect();
    while let Some(ended) = readers.join_next().await {
        let (user, has) = ended.unwrap();
        let is_moderator = user == people[0].0;
        let role = if is_moderator { OrganizationRole::Moderator } else { OrganizationRole::Member };
        let mine = |readers: &Readers| readers.name(user, |asked| (asked == organization).then_some(role));
        let expected: Positions =
            written.iter().filter(|(_, readers)| mine(readers)).map(|(at, _)| *at).collect();
        assert_eq!(has, expected);
    }
    // Positions have no holes, whatever was rolled back.
    let all: Positions = written.keys().copied().collect();
    assert_eq!(all, (1..=all.len() as i64).collect::<Positions>());
}

/// The end of the history, as a text.
async fn last(channel: &Channel) -> Option<String> {
    let head = store::head(&channel.db).await.ok()?;
    Some(channel.epoch.at(head.position).to_string())
}

async fn what_one_replica_has_told_is_not_told_again_by_one_that_is_behind(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ahead, behind) = (house.replica(8).await, house.replica(8).await);
    let (user, token) = house.token(&[], &[]);
    let mut first = connect(&ahead, &token);
    first.subscribe(vec!["todos".parse().unwrap()], None);
    assert!(matches!(next(&mut first).await, Out::Frame(ServerFrame::Subscribed { .. })));
    for _ in 0..3 {
        add(&ahead, Topic::Todos, Readers::user(user)).await;
    }
    ahead.look().await.unwrap();
    let mut has = 0;
    for expected in 1..=3 {
        has = position(&next(&mut first).await);
        assert_eq!(has, expected);
    }
    // The other one has not looked yet.
    let mut second = connect(&behind, &token);
    second.subscribe(vec!["todos".parse().unwrap()], Some(&behind.epoch.at(has).to_string()));
    assert!(matches!(next(&mut second).await, Out::Frame(ServerFrame::Subscribed { .. })));
    behind.look().await.unwrap();
    add(&ahead, Topic::Todos, Readers::user(user)).await;
    behind.look().await.unwrap();
    assert_eq!(position(&next(&mut second).await), 4, "and not 1 to 3 once more");
}

async fn who_was_away_for_too_long_is_told_to_begin_anew(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let channel = house.replica(8).await;
    let (user, token) = house.token(&[], &[]);
    for _ in 0..3 {
        add(&channel, Topic::Todos, Readers::user(user)).await;
    }
    house.service.clock().advance(Duration::from_secs(60));
    add(&channel, Topic::Todos, Readers::user(user)).await;
    let before = channel.clock.now() - Duration::from_secs(30);
    assert_eq!(store::sweep(&channel.db, before, 100).await.unwrap(), 3);
    assert_eq!(store::sweep(&channel.db, before, 100).await.unwrap(), 0);
    channel.look().await.unwrap();
    let texts = [
        (channel.epoch.at(2).to_string(), Some("TOO_OLD")),
        (channel.epoch.at(3).to_string(), None),
        (channel.epoch.at(9).to_string(), Some("UNKNOWN")),
        ("0badcafe.1".to_owned(), Some("UNKNOWN")),
    ];
    let mut sessions = Vec::new();
    for (after, reason) in texts {
        let mut session = connect(&channel, &token);
        session.subscribe(vec!["todos".parse().unwrap()], Some(&after));
        match (next(&mut session).await, reason) {
            (Out::Frame(ServerFrame::Reset { reason, position, .. }), Some(expected)) => {
                assert_eq!(
                    (reason.as_str(), position),
                    (expected, channel.epoch.at(4).to_string()),
                    "{after}"
                );
            }
            (Out::Missed(message), None) => {
                assert_eq!(message.position, 4);
                assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
            }
            (other, _) => panic!("{after}: {other:?}"),
        }
        sessions.push(session);
    }
    // From there on nothing is left out.
    add(&channel, Topic::Todos, Readers::user(user)).await;
    channel.look().await.unwrap();
    for session in &mut sessions {
        assert_eq!(position(&next(session).await), 5);
    }
}

async fn a_burst_that_is_larger_than_the_queue_is_heard_whole(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let channel = house.replica(4).await;
    let (user, token) = house.token(&[], &[]);
    let mut session = connect(&channel, &token);
    session.subscribe(vec!["todos".parse().unwrap()], None);
    assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
    let mut t = channel.db.begin().await.unwrap();
    for _ in 0..700 {
        append(&channel, &mut t, Topic::Todos, Readers::user(user));
    }
    t.commit().await.unwrap();
    while channel.look().await.unwrap() {}
    for expected in 1..=700 {
        assert_eq!(position(&next(&mut session).await), expected);
    }
    add(&channel, Topic::Todos, Readers::user(user)).await;
    channel.look().await.unwrap();
    assert_eq!(position(&next(&mut session).await), 701);
}

async fn who_stays_behind_for_too_long_is_told_so(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let channel = house.replica(4).await;
    let (user, token) = house.token(&[], &[]);
    let mut session = connect(&channel, &token);
    session.subscribe(vec!["todos".parse().unwrap()], None);
    assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
    for _ in 0..1_000 {
        add(&channel, Topic::Todos, Readers::user(user)).await;
    }
    while channel.look().await.unwrap() {}
    let mut has = 0;
    let end = loop {
        match next(&mut session).await {
            Out::End(end) => break end,
            out => {
                assert_eq!(position(&out), has + 1, "what it has has no gap");
                has += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    assert_eq!(end, End::Slow);
    assert!((1..1_000).contains(&has) && session.next().await.is_none());
}

async fn an_answer_with_a_position_comes_behind_everything_up_to_there(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let channel = house.replica(8).await;
    let (user, token) = house.token(&[], &[]);
    let mut session = connect(&channel, &token);
    session.subscribe(vec!["todos".parse().unwrap()], None);
    assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
    for _ in 0..2 {
        add(&channel, Topic::Todos, Readers::user(user)).await;
    }
    channel.look().await.unwrap();
    // Two wait in the queue. A second topic, and the first once more.
    session.subscribe(vec!["todos".parse().unwrap(), "orders".parse().unwrap()], None);
    add(&channel, Topic::Orders, Readers::user(user)).await;
    channel.look().await.unwrap();
    assert_eq!([position(&next(&mut session).await), position(&next(&mut session).await)], [1, 2]);
    match next(&mut session).await {
        Out::Frame(ServerFrame::Subscribed { topics, position }) => {
            assert_eq!((topics.len(), position), (2, channel.epoch.at(2).to_string()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(position(&next(&mut session).await), 3);
}

async fn a_lost_role_is_lost_for_what_waits_too(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let channel = house.replica(8).await;
    let organization = OrganizationId::new();
    let (_, token) = house.token(&[Role::Admin], &[(organization, OrganizationRole::Moderator)]);
    let mut session = connect(&channel, &token);
    session.subscribe(vec!["events".parse().unwrap(), "orders/all".parse().unwrap()], None);
    assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
    add(&channel, Topic::Events, Readers::members(organization, OrganizationRole::Moderator)).await;
    add(&channel, Topic::Orders, Readers::user(UserId::new())).await;
    add(&channel, Topic::Events, Readers::members(organization, OrganizationRole::Member)).await;
    channel.look().await.unwrap();
    // All three are in its queue. A token of the same person comes that lets them do less.
    let mut claims = house.issuer.claims(house.service.clock(), &[]);
    claims.sub = session.who.user();
    claims.orgs = vec![Membership { id: organization, role: OrganizationRole::Member }];
    let less = Token::new(house.issuer.sign(&claims));
    session.heed(contract::live::ClientFrame::Authenticate { token: less });
    assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Authenticated { .. })));
    let refused = next(&mut session).await;
    assert!(matches!(&refused, Out::Frame(ServerFrame::Error { topic: Some(_), .. })), "{refused:?}");
    assert_eq!(position(&next(&mut session).await), 3);
}

on_both_engines!(
    who_comes_and_goes_among_writers_has_everything_once_and_in_order,
    what_one_replica_has_told_is_not_told_again_by_one_that_is_behind,
    who_was_away_for_too_long_is_told_to_begin_anew,
    a_burst_that_is_larger_than_the_queue_is_heard_whole,
    who_stays_behind_for_too_long_is_told_so,
    an_answer_with_a_position_comes_behind_everything_up_to_there,
    a_lost_role_is_lost_for_what_waits_too,
);

/// Kilobytes that this process has in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn ten_thousand_clients_cost_a_few_kilobytes_each_besides_their_sockets() {
    const CLIENTS: u64 = 10_000;
    let house = House::start(Engine::Sqlite).await.unwrap();
    let config = GatewayConfig { live_max_per_user: CLIENTS as usize, ..GatewayConfig::default() };
    let channel = Channel::over(house.around(), &config).await.unwrap();
    let tokens: Vec<_> = (0..100).map(|_| house.token(&[], &[]).1).collect();
    let topics: Vec<_> = Topic::ALL.iter().map(|topic| (*topic).into()).collect();
    let before = resident();
    let mut sessions = Vec::new();
    for token in tokens.iter().cycle().take(CLIENTS as usize) {
        let mut session = connect(&channel, token);
        session.subscribe(topics.clone(), None);
        assert!(matches!(next(&mut session).await, Out::Frame(ServerFrame::Subscribed { .. })));
        sessions.push(session);
    }
    let each = (resident() - before) * 1024 / CLIENTS;
    println!("{each} bytes for each of {CLIENTS} clients");
    assert!(each < 6_000, "{each} bytes");
}

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    testkit::schema::is_the_same_on_both_engines::<Gateway>(|_, _| false).await;
}
