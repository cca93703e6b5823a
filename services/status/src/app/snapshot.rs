//! What everybody may know.
//!
//! It is read from the database once every few seconds, whoever and how many ask. What was read last is given out also while
//! the database is away, for a day: and since the times of the looks are in it, it says by itself that nobody has looked since.

use super::App;
use crate::domain::overall::overall;
use crate::domain::uptime::{HOUR_MS, Sums, holds_for, hour_of};
use crate::page::Shown;
use crate::store::{incident_list, service};
use chassis::cache::{Cached, LoadFailed, Policy};
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use chassis::error::{ApiError, ApiResult};
use chassis::http::Caching;
use contract::status::{Day, Incidents, ServiceState, ServiceStatus, StatusPage, Uptime, Uptimes};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How long what was read is given out.
const FRESH: Duration = Duration::from_secs(3);
/// How long afterwards it is given out while it is read again.
const MEANWHILE: Duration = Duration::from_secs(10);
/// How long it is given out while it cannot be read.
const AS_IT_WAS: Duration = Duration::from_secs(86_400);
/// How long clients and proxies may keep it.
const MAX_AGE: Duration = Duration::from_secs(5);
/// Days that are shown.
pub(crate) const DAYS: i64 = 90;
/// For how long an incident that is over is shown.
const RECENT: Duration = Duration::from_secs(14 * 86_400);

const DAY: i64 = 24;
/// So many hours that everything is in the first span of them.
const ALL: i64 = i64::MAX;

/// What was written last, and of which snapshot and second.
pub(crate) type Kept = ((Uuid, i64), Arc<Shown>);

/// What the database says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Tells it from another one.
    id: Uuid,
    services: Vec<Known>,
    incidents: Incidents,
}

/// A service as it was when somebody looked last.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    status: ServiceStatus,
    looked_at: Option<Ts>,
}

impl Snapshot {
    /// How it is kept.
    pub(crate) const fn policy() -> Policy {
        let policy = Policy::of(FRESH).stale_for(MEANWHILE).stale_if_error(AS_IT_WAS);
        policy.in_process().max_entries(1).public(MAX_AGE)
    }

    /// What it says at a time. A look says nothing any more when the next one should have come long ago.
    pub(crate) fn page(&self, now: Ts, holds_for: Duration) -> StatusPage {
        let services: Vec<_> = self.services.iter().map(|known| known.at(now, holds_for)).collect();
        let states: Vec<_> = services.iter().map(|service| service.state).collect();
        let open = self.incidents.open.iter().map(|incident| incident.impact);
        StatusPage {
            overall: overall(&states, open),
            checked_at: self.services.iter().filter_map(|known| known.looked_at).max().map(Ts::to_datetime),
            services,
            incidents: self.incidents.clone(),
        }
    }
}

impl Known {
    fn at(&self, now: Ts, holds_for: Duration) -> ServiceStatus {
        let holds = self.looked_at.is_some_and(|at| now.since(at) <= holds_for);
        match holds {
            true => self.status.clone(),
            false => ServiceStatus { state: ServiceState::Unknown, since: None, ..self.status.clone() },
        }
    }
}

impl App {
    /// What everybody may know now, written out, and what caches may do with it. It is written once a second at most, however
    /// many ask.
    ///
    /// # Errors
    /// When it was never read, and cannot be.
    pub(crate) async fn shown(&self) -> ApiResult<(Arc<Shown>, Caching)> {
        let app = self.clone();
        let read = self.snapshots.get_or_load("page", move || async move { app.read().await }).await?;
        let read: Cached<Snapshot> = read.ok_or_else(|| ApiError::not_found("page"))?;
        let now = self.clock.now();
        let of = (read.id, now.secs());
        if let Some((kept, shown)) = &*self.kept()
            && *kept == of
        {
            return Ok((Arc::clone(shown), read.caching()));
        }
        let page = read.page(now, holds_for(self.every, self.patience));
        let shown = Arc::new(Shown::new(page, &self.title, now).map_err(ApiError::internal)?);
        *self.kept() = Some((of, Arc::clone(&shown)));
        Ok((shown, read.caching()))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.last_shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody sees what a transaction does as soon as it is committed, where this process answers.
    pub(crate) fn show(&self, t: &mut Tx) {
        self.snapshots.invalidate_after(t, "page");
    }

    async fn read(&self) -> Result<Option<Snapshot>, LoadFailed> {
        self.read_all().await.map(Some).map_err(LoadFailed::from)
    }

    async fn read_all(&self) -> Result<Snapshot, DbError> {
        let now = self.clock.now();
        let last: HashMap<String, service::Last> = service::all(&self.db).await?.into_iter().collect();
        let hour = hour_of(now);
        let day = self.sums(hour - DAY + 1).await?;
        let week = self.sums(hour - 7 * DAY + 1).await?;
        let first_day = hour / DAY - DAYS + 1;
        let quarter = self.sums(first_day * DAY).await?;
        let mut days: HashMap<String, Vec<Day>> = HashMap::new();
        for (name, of, sums) in service::known(&self.db, first_day * DAY, DAY).await? {
            let uptime = sums.of(span_ms(of * DAY, now).min(DAY * HOUR_MS));
            let date = Ts::from_secs(of * 86_400).to_datetime().date().to_string();
            days.entry(name).or_default().push(Day { date, uptime });
        }
        let in_span = |sums: &HashMap<String, Sums>, name: &str, from: i64| -> Uptime {
            sums.get(name).copied().unwrap_or_default().of(span_ms(from, now))
        };
        let services = self.watched.iter().map(|watched| {
            let last = last.get(watched.name);
            let status = ServiceStatus {
                name: watched.name.to_owned(),
                about: watched.about.to_owned(),
                state: last.map_or(ServiceState::Unknown, |last| last.found.state()),
                since: last.map(|last| last.since.to_datetime()),
                uptime: Uptimes {
                    day: in_span(&day, watched.name, hour - DAY + 1),
                    week: in_span(&week, watched.name, hour - 7 * DAY + 1),
                    quarter: in_span(&quarter, watched.name, first_day * DAY),
                },
                days: days.remove(watched.name).unwrap_or_default(),
            };
            Known { status, looked_at: last.map(|last| last.looked_at) }
        });
        let services = services.collect();
        let incidents = incident_list::public(&self.db, now - RECENT).await?;
        Ok(Snapshot { id: Uuid::now_v7(), services, incidents })
    }

    /// What is known of each service from an hour on.
    async fn sums(&self, from: i64) -> Result<HashMap<String, Sums>, DbError> {
        let known = service::known(&self.db, from, ALL).await?;
        Ok(known.into_iter().map(|(name, _, sums)| (name, sums)).collect())
    }
}

/// Milliseconds from the beginning of an hour until now.
fn span_ms(from_hour: i64, now: Ts) -> i64 {
    (now.micros() / 1_000 - from_hour * HOUR_MS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::status::Overall;

    fn snapshot(looked_at: Option<i64>) -> Snapshot {
        let none = Sums::default().of(1);
        let status = ServiceStatus {
            name: "orders".to_owned(),
            about: String::new(),
            state: ServiceState::Operational,
            since: looked_at.map(|at| Ts::from_secs(at).to_datetime()),
            uptime: Uptimes { day: none, week: none, quarter: none },
            days: Vec::new(),
        };
        let looked_at = looked_at.map(Ts::from_secs);
        Snapshot {
            id: Uuid::nil(),
            services: vec![Known { status, looked_at }],
            incidents: Incidents::default(),
        }
    }

    #[test]
    fn an_old_look_says_nothing_about_now() {
        let of = |looked_at, now| snapshot(looked_at).page(Ts::from_secs(now), Duration::from_secs(33));
        assert_eq!(of(Some(100), 133).overall, Overall::Operational);
        let old = of(Some(100), 134);
        assert_eq!((old.overall, old.services[0].state), (Overall::Unknown, ServiceState::Unknown));
        assert_eq!(old.services[0].since, None);
        assert_eq!(of(None, 1).overall, Overall::Unknown);
    }
}
