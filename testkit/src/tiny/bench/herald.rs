//! A service that has something to tell very many people, for `cargo xtask bench live`: it publishes `notification.created`
//! as the notifications service does, to people whom a stand-in for the auth service vouches for.
//!
//! The title of a message is its number and the moment at which it was due by the schedule, in microseconds since 1970. So
//! who reads it knows how late it is, and a publisher that falls behind does not make the figures look better.

use super::probe;
use crate::{FakeAuth, Issuer};
use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chassis::clock::Clock;
use chassis::config::{Mode, Problems, Sources, Validate, settings};
use chassis::db::{Db, Migrations};
use chassis::error::{ApiError, ApiResult};
use chassis::events::Outbox;
use chassis::http::{Listener, Path, Reply, reply};
use chassis::run::{Assembled, Platform, Targets};
use chassis::service::{Context, Parts, Registration, Service, Spec};
use chassis::stop;
use contract::event::EventSpec;
use contract::ids::{NotificationId, UserId};
use contract::notifications::{NotificationCreated, NotificationKind};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/postgres");
/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(2);
/// Who signs for the people of this process.
static ISSUER: OnceLock<Issuer> = OnceLock::new();
/// What the stand-in for the auth service is to find it by (`BOWLINE_AUTH__ISSUER`).
const NAME: &str = "herald";

settings! {
    /// The herald.
    pub struct HeraldConfig {}
}

impl Validate for HeraldConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

struct Herald;

#[derive(Clone)]
struct Means {
    db: Db,
    outbox: Outbox,
    clock: Clock,
    people: Arc<OnceLock<Vec<UserId>>>,
}

impl Service for Herald {
    const SPEC: Spec = Spec {
        name: "herald",
        about: "Has something to tell very many people",
        owns: &["herald"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[EventSpec::of::<NotificationCreated>()],
        openapi: || chassis::openapi::document("The herald", "For measurements."),
    };

    type Config = HeraldConfig;

    async fn build(_: HeraldConfig, context: Context) -> anyhow::Result<Parts> {
        let means = Means {
            db: context.db()?,
            outbox: context.outbox()?,
            clock: context.clock().clone(),
            people: Arc::default(),
        };
        let router = Router::new()
            .route("/api/v1/herald/people/{count}", post(introduce))
            .route("/api/v1/herald/tell/{from}/{count}/{rate}", post(tell))
            .route("/api/v1/herald", get(|| async { reply(()) }));
        Ok(Parts::new(router.with_state(means)))
    }
}

/// Makes so many people, and answers with their access tokens.
async fn introduce(State(means): State<Means>, Path(count): Path<usize>) -> ApiResult<Reply<Vec<String>>> {
    let issuer = ISSUER.get().ok_or_else(|| ApiError::internal(anyhow::anyhow!("nobody signs")))?;
    let claims: Vec<_> = (0..count).map(|_| issuer.claims(&means.clock, &[])).collect();
    let tokens = claims.iter().map(|claims| issuer.sign(claims)).collect();
    drop(means.people.set(claims.into_iter().map(|claims| claims.sub).collect()));
    Ok(reply(tokens))
}

/// Tells so many messages, numbered from `from`, each to the next person, at this rate; answers when the last is committed.
async fn tell(
    State(means): State<Means>,
    Path((from, count, rate)): Path<(u64, u64, u64)>,
) -> ApiResult<Reply<Value>> {
    let people = means.people.get().ok_or_else(|| ApiError::not_found("people"))?.clone();
    let (began, began_at) = (Instant::now(), means.clock.now());
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut at_work = JoinSet::new();
    let mut told = 0;
    while told < count {
        ticks.tick().await;
        let due = (began.elapsed().as_micros() * u128::from(rate) / 1_000_000).min(u128::from(count));
        while u128::from(told) < due {
            let (means, number) = (means.clone(), from + told);
            let moment = began_at + Duration::from_micros(told * 1_000_000 / rate.max(1));
            let user = people[usize::try_from(number).unwrap_or(0) % people.len()];
            at_work.spawn(async move { publish(means, user, format!("{number} {}", moment.micros())).await });
            told += 1;
        }
        while let Some(published) = at_work.try_join_next() {
            settle(published)?;
        }
    }
    while let Some(published) = at_work.join_next().await {
        settle(published)?;
    }
    Ok(reply(json!({"seconds": began.elapsed().as_secs_f64()})))
}

fn settle(published: Result<anyhow::Result<()>, tokio::task::JoinError>) -> ApiResult<()> {
    published.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

/// One message in a transaction with a row, as a service does that changes something.
async fn publish(means: Means, user: UserId, title: String) -> anyhow::Result<()> {
    let Means { db, outbox, .. } = means;
    let written = db.group(move |t| {
        let event = NotificationCreated {
            notification: NotificationId::new(),
            user,
            kind: NotificationKind::OrderConfirmed,
            order: None,
            title: title.clone(),
        };
        let outbox = outbox.clone();
        Box::pin(async move {
            probe::insert(t, 0).await?;
            outbox.publish(t, &event).await
        })
    });
    written.await?;
    Ok(())
}

/// Serves with the settings of the environment, `BOWLINE_AUTH__ISSUER=herald` among them, until the process is ended.
///
/// # Errors
/// When the services cannot be built.
pub fn serve() -> anyhow::Result<Value> {
    ISSUER.get_or_init(|| Issuer::named(NAME));
    let services = [Registration::of::<FakeAuth>(), Registration::of::<Herald>()];
    let platform = Platform::load(&services, Sources::read(None)?)?;
    let targets = Targets::parse("all", &services)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (_stopper, stop) = stop::channel();
        let listener = Listener::bind(&platform.http)?;
        let address = listener.address();
        let assembled =
            Assembled::of(platform, &targets, Some(address), Clock::system(), stop.clone()).await?;
        let serving = listener.serve(assembled.front(), assembled.shared().http(), &stop);
        let _serving = serving.context("cannot serve")?;
        std::future::pending::<()>().await;
        Ok(Value::Null)
    })
}
