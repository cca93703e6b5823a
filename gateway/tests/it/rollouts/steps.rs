//! Roll-outs that advance and go back by themselves, on both engines, by a clock that the test moves.

use super::{route, upstreams};
use crate::house::{NOWHERE, setup};
use chassis::db::q;
use contract::gateway::{Rollout, RolloutState, SideSeen};
use contract::identity::Role;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::path::PathBuf;
use std::time::Duration;
use testkit::on_both_engines;
use testkit::{Answer, Databases, Engine, Fault, FaultyPeer, Folder, Issuer, TestService, eventually};

const ROLLOUTS: &str = "/api/v1/gateway/rollouts";
const STEP: Duration = Duration::from_secs(60);

on_both_engines! {
    a_canary_that_fails_is_taken_back_by_itself_and_stays_back,
    a_canary_that_is_slow_is_taken_back,
    one_that_is_to_hold_stays_on_its_step_when_it_fails,
    one_that_is_well_goes_through_all_steps,
    replicas_count_together_agree_and_a_restart_begins_nothing_anew,
    an_administrator_holds_advances_and_takes_back,
    what_the_file_does_not_say_any_more_is_not_shown_as_gone_back,
    without_the_database_each_stays_where_it_is_and_what_is_seen_counts_afterwards,
}

/// One database, one file of routes, and the two sides.
struct Site {
    issuer: Issuer,
    database: String,
    file: PathBuf,
    stable: FaultyPeer,
    canary: FaultyPeer,
    _folder: Folder,
    _databases: Option<Databases>,
}

impl Site {
    async fn new(engine: Engine, rollout: &str) -> Option<Self> {
        let folder = Folder::new("rollouts").unwrap();
        let databases = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Databases::on_postgres()?),
        };
        let on_sqlite = || format!("sqlite:{}/{{service}}.db", folder.path().display());
        let database = databases.as_ref().map_or_else(on_sqlite, Databases::url);
        let site = Self {
            issuer: Issuer::new(),
            database,
            file: folder.path().join("routes.toml"),
            stable: FaultyPeer::start("stable", Fault::None).await,
            canary: FaultyPeer::start("canary", Fault::None).await,
            _folder: folder,
            _databases: databases,
        };
        site.says(rollout);
        Some(site)
    }

    fn says(&self, rollout: &str) {
        let peers = upstreams(&[("stable", &self.stable), ("canary", &self.canary)]);
        let rollout = route(&format!("rollout = {{ to = \"canary\", by = \"request\", {rollout} }}"));
        std::fs::write(&self.file, format!("{peers}{rollout}")).unwrap();
    }

    /// A gateway.
    async fn door(&self) -> TestService {
        let setup = setup(&self.issuer).targets("gateway,auth,things").peer("absent", NOWHERE);
        // Nobody plays auth while the clock is moved.
        let setup = setup.set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600");
        let setup =
            setup.set("DATABASE_URL", &*self.database).set("BOWLINE_GATEWAY__ROUTES_RELOAD_SECS", "1");
        let door = setup.set("BOWLINE_GATEWAY__ROUTES_FILE", self.file.display().to_string()).build().await;
        eventually(async || door.assembled().shared().verifier().check()).await;
        door
    }

    async fn post(&self, door: &TestService, act: &str) -> Answer {
        let admin = self.issuer.token(door.clock(), &[Role::User, Role::Admin]);
        door.client().bearer(&admin).post(&format!("{ROLLOUTS}/{act}"), serde_json::json!({})).await
    }

    /// How it stands, after what was seen at this door was added.
    async fn shown(&self, door: &TestService) -> Rollout {
        let admin = self.issuer.token(door.clock(), &[Role::User, Role::Admin]);
        let answer = door.client().bearer(&admin).get(ROLLOUTS).await.expect(200);
        answer.data::<Vec<Rollout>>().remove(0)
    }

    async fn stands(&self, door: &TestService) -> (RolloutState, Option<usize>) {
        let shown = self.shown(door).await;
        (shown.state, shown.step)
    }
}

async fn ask(door: &TestService, times: usize) {
    for _ in 0..times {
        door.client().get_unchecked("/shop/x").await;
    }
}

async fn a_canary_that_fails_is_taken_back_by_itself_and_stays_back(engine: Engine) {
    let rollout = "steps = [50, 100], min_requests = 20";
    let Some(site) = Site::new(engine, rollout).await else { return };
    let door = site.door().await;
    site.canary.turn(Fault::Says(500, "")).await;
    let began = site.shown(&door).await;
    assert_eq!((began.state, began.step, began.percent), (RolloutState::Advancing, Some(1), 50.0));
    // Nobody looks: it goes back by itself.
    ask(&door, 40).await;
    eventually(async || {
        let before = site.canary.requests();
        ask(&door, 4).await;
        if site.canary.requests() == before { Ok(()) } else { Err(before) }
    })
    .await;
    let back = site.shown(&door).await;
    assert_eq!((back.state, back.percent), (RolloutState::Back, 0.0));
    assert!(back.reason.as_ref().unwrap().ends_with("answers were errors; 2 % may be"), "{back:?}");
    // Time and health do not bring it again, nor does another start.
    site.canary.turn(Fault::None).await;
    door.clock().advance(STEP * 10);
    assert_eq!(site.stands(&door).await.0, RolloutState::Back);
    drop(door);
    let door = site.door().await;
    let before = site.canary.requests();
    ask(&door, 20).await;
    assert_eq!((site.stands(&door).await.0, site.canary.requests()), (RolloutState::Back, before));
    // Another generation does.
    site.says(&format!("{rollout}, generation = 1"));
    eventually(async || {
        let stands = site.stands(&door).await;
        if stands == (RolloutState::Advancing, Some(1)) { Ok(()) } else { Err(stands) }
    })
    .await;
}

async fn a_canary_that_is_slow_is_taken_back(engine: Engine) {
    let rollout = "steps = [50, 100], min_requests = 20, max_p99_ms = 40";
    let Some(site) = Site::new(engine, rollout).await else { return };
    site.canary.turn(Fault::Slow(Duration::from_millis(120))).await;
    let door = site.door().await;
    ask(&door, 24).await;
    let back = site.shown(&door).await;
    assert_eq!(back.state, RolloutState::Back, "{back:?}");
    assert!(back.reason.as_ref().unwrap().ends_with("answers took longer than 40 ms; 1 % may"), "{back:?}");
}

async fn one_that_is_to_hold_stays_on_its_step_when_it_fails(engine: Engine) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _events = metrics::set_default_local_recorder(&recorder);
    let rollout = "steps = [50, 100], min_requests = 20, on_failure = \"hold\"";
    let Some(site) = Site::new(engine, rollout).await else { return };
    site.canary.turn(Fault::Says(500, "")).await;
    let door = site.door().await;
    ask(&door, 40).await;
    let held = site.shown(&door).await;
    assert_eq!((held.state, held.percent), (RolloutState::Held, 50.0), "{held:?}");
    assert!(held.reason.as_ref().unwrap().ends_with("answers were errors; 2 % may be"), "{held:?}");
    site.canary.turn(Fault::None).await;
    ask(&door, 40).await;
    door.clock().advance(STEP * 2);
    assert_eq!(site.stands(&door).await, (RolloutState::Held, Some(1)));
    site.post(&door, "shop/advance").await.expect(200);
    let page = recorder.handle().render();
    for event in ["held", "advanced"] {
        let line = format!("gateway_rollout_events_total{{route=\"shop\",event=\"{event}\"}} 1\n");
        assert!(page.contains(&line), "{line} in {page}");
    }
}

async fn one_that_is_well_goes_through_all_steps(engine: Engine) {
    let Some(site) = Site::new(engine, "steps = [10, 50, 100], min_requests = 5").await else { return };
    let door = site.door().await;
    // Without answers it waits, however long that takes.
    door.clock().advance(STEP * 3);
    assert_eq!(site.stands(&door).await, (RolloutState::Advancing, Some(1)));
    ask(&door, 80).await;
    assert_eq!(site.stands(&door).await, (RolloutState::Advancing, Some(2)));
    // Enough answers do not shorten a step.
    ask(&door, 20).await;
    let second = site.shown(&door).await;
    assert_eq!((second.step, second.percent), (Some(2), 50.0));
    assert!(second.canary.requests >= 8 && second.canary.errors == 0, "{second:?}");
    door.clock().advance(STEP);
    assert_eq!(site.stands(&door).await, (RolloutState::Advancing, Some(3)));
    let before = site.stable.requests();
    ask(&door, 20).await;
    assert_eq!(site.stable.requests(), before, "all go there");
    door.clock().advance(STEP);
    let done = site.shown(&door).await;
    assert_eq!((done.state, done.percent), (RolloutState::Done, 100.0));
}

async fn replicas_count_together_agree_and_a_restart_begins_nothing_anew(engine: Engine) {
    let Some(site) = Site::new(engine, "steps = [50, 100], min_requests = 20").await else { return };
    let (one, other) = (site.door().await, site.door().await);
    // Ten answers of the canary at each door: neither has seen enough alone.
    ask(&one, 20).await;
    ask(&other, 20).await;
    for door in [&one, &other] {
        door.clock().advance(STEP + Duration::from_secs(1));
    }
    site.shown(&one).await;
    assert_eq!(site.stands(&other).await, (RolloutState::Advancing, Some(2)));
    let at_one = site.shown(&one).await;
    assert_eq!((at_one.step, at_one.percent), (Some(2), 100.0));
    // It goes back at both for what one has seen.
    site.canary.turn(Fault::Closes).await;
    ask(&other, 12).await;
    eventually(async || {
        let before = site.canary.requests();
        ask(&one, 1).await;
        if site.canary.requests() == before { Ok(()) } else { Err(before) }
    })
    .await;
    let both = (site.shown(&one).await, site.shown(&other).await);
    assert_eq!(both.0, both.1);
    assert_eq!(both.0.state, RolloutState::Back);
    drop((one, other));
    let third = site.door().await;
    let before = site.canary.requests();
    ask(&third, 10).await;
    assert_eq!(site.canary.requests(), before);
    assert_eq!(site.shown(&third).await, both.0);
}

async fn without_the_database_each_stays_where_it_is_and_what_is_seen_counts_afterwards(engine: Engine) {
    let Some(site) = Site::new(engine, "steps = [50, 100], min_requests = 20").await else { return };
    let door = site.door().await;
    assert_eq!(site.stands(&door).await, (RolloutState::Advancing, Some(1)));
    // Every statement about roll-outs fails from here on.
    let db = door.db("gateway");
    q!(db.write, execute, "ALTER TABLE rollout RENAME TO rollout_away").unwrap();
    let admin = door.client().bearer(&site.issuer.token(door.clock(), &[Role::User, Role::Admin]));
    door.clock().advance(STEP * 2);
    for _ in 0..2 {
        ask(&door, 20).await;
        let answer = admin.get_unchecked(ROLLOUTS).await;
        assert!(answer.status.is_server_error(), "{}", answer.status);
    }
    let canary = site.canary.requests();
    assert!((19..=21).contains(&canary), "{canary}");
    // Who does not know where it stood sends nobody elsewhere.
    let late = site.door().await;
    ask(&late, 20).await;
    assert_eq!(site.canary.requests(), canary);
    q!(db.write, execute, "ALTER TABLE rollout_away RENAME TO rollout").unwrap();
    for door in [&door, &late] {
        eventually(async || {
            let stands = site.stands(door).await;
            if stands == (RolloutState::Advancing, Some(2)) { Ok(()) } else { Err(stands) }
        })
        .await;
        let before = site.stable.requests();
        ask(door, 4).await;
        assert_eq!(site.stable.requests(), before, "all go there");
    }
}

async fn what_the_file_does_not_say_any_more_is_not_shown_as_gone_back(engine: Engine) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _shown = metrics::set_default_local_recorder(&recorder);
    let Some(site) = Site::new(engine, "steps = [10, 100]").await else { return };
    let door = site.door().await;
    let shows = async |back: u8, step: u8, percent: u8| {
        eventually(async || {
            let page = recorder.handle().render();
            let is = |name: &str, value| {
                page.contains(&format!("gateway_rollout_{name}{{route=\"shop\"}} {value}\n"))
            };
            if is("back", back) && is("step", step) && is("percent", percent) { Ok(()) } else { Err(page) }
        })
        .await;
    };
    shows(0, 1, 10).await;
    site.post(&door, "shop/back").await.expect(200);
    shows(1, 0, 0).await;
    site.says("percent = 20");
    shows(0, 0, 20).await;
    site.says("steps = [10, 100]");
    shows(1, 0, 0).await;
    std::fs::write(&site.file, format!("{}{}", upstreams(&[("stable", &site.stable)]), route(""))).unwrap();
    shows(0, 0, 0).await;
}

async fn an_administrator_holds_advances_and_takes_back(engine: Engine) {
    let Some(site) = Site::new(engine, "steps = [10, 50, 100], min_requests = 1").await else { return };
    let door = site.door().await;
    let user = site.issuer.token(door.clock(), &[Role::User]);
    let user = door.client().bearer(&user);
    user.get(ROLLOUTS).await.expect(403);
    user.post(&format!("{ROLLOUTS}/shop/back"), serde_json::json!({})).await.expect(403);
    site.post(&door, "nobody/hold").await.expect(404);
    let held: Rollout = site.post(&door, "shop/hold").await.expect(200).data();
    assert_eq!((held.state, held.percent, held.changed_by.is_some()), (RolloutState::Held, 10.0, true));
    ask(&door, 40).await;
    door.clock().advance(STEP * 2);
    assert_eq!(site.stands(&door).await, (RolloutState::Held, Some(1)));
    let next: Rollout = site.post(&door, "shop/advance").await.expect(200).data();
    assert_eq!((next.state, next.step, next.percent), (RolloutState::Advancing, Some(2), 50.0));
    assert_eq!(next.canary, SideSeen { requests: 0, errors: 0, slow: 0 }, "what was before does not count");
    let back: Rollout = site.post(&door, "shop/back").await.expect(200).data();
    assert_eq!((back.state, back.percent), (RolloutState::Back, 0.0));
    site.post(&door, "shop/advance").await.expect(409);
    // Where the share stands in the file, the file is to be changed.
    site.says("percent = 20");
    eventually(async || {
        let shown = site.shown(&door).await;
        if shown.state == RolloutState::Fixed { Ok(()) } else { Err(shown) }
    })
    .await;
    site.post(&door, "shop/hold").await.expect(409);
}
