//! The routes of the file that are live now, and how they follow it.
//!
//! The file is read at the start, when it has changed, and at SIGHUP. What must hold: a file that is wrong, or names what cannot
//! be had, changes nothing and is told once, with everything that is wrong: all of it is made ready first ([`Next`]) and then
//! taken over, which cannot fail. A request that is under way ends on the route that it began on; and what did not change stays
//! open.

use crate::config::GatewayConfig;
use crate::explain::{Explained, wanted};
use crate::oidc::Named;
use crate::route::{Ground, Route};
use crate::table::{Plan, Problem};
use crate::upstream::{Ready, Upstream};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::body::Body;
use chassis::http::{Lane, Way};
use chassis::stop::Stop;
use http::Request;
use metrics::{counter, gauge};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// The door's own routes.
#[derive(Debug)]
pub(crate) struct Door {
    file: PathBuf,
    every: Duration,
    ground: Arc<Ground>,
    table: ArcSwap<Table>,
}

/// The routes of one moment.
#[derive(Debug, Default)]
pub(crate) struct Table {
    text: String,
    pub(crate) plan: Plan,
    /// By their places in the plan.
    pub(crate) routes: Vec<Arc<Route>>,
    upstreams: BTreeMap<String, Arc<Upstream>>,
}

/// A table that could be made, and what has to hold with it.
struct Next {
    table: Table,
    /// Those of its routes that were not there before.
    begin: Vec<Arc<Route>>,
    /// What changes of upstreams that stay.
    upstreams: Vec<Ready>,
    providers: Named,
}

/// What a reload has changed, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
    pub(crate) same: usize,
}

impl Door {
    /// Reads the file; `None` when there is none in the settings.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it is wrong.
    pub(crate) async fn open(
        config: &GatewayConfig,
        ground: Arc<Ground>,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let Some(file) = config.routes_file.clone() else { return Ok(None) };
        let text = read(&file).await?;
        let plan = Plan::read(&text, &ground.services()).map_err(|problems| wrong(&file, &problems))?;
        let table = Next::of(text, plan, &Table::default(), &ground)?.take_over(&ground);
        let every = Duration::from_secs(config.routes_reload_secs);
        Ok(Some(Arc::new(Self { file, every, ground, table: ArcSwap::from_pointee(table) })))
    }

    /// The routes of this moment.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Follows the file until the stop.
    pub(crate) async fn follow(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
        let mut hangups = signal(SignalKind::hangup()).context("SIGHUP cannot be listened to")?;
        let mut told = None;
        loop {
            let asked = tokio::select! {
                () = sleep(self.every) => false,
                hangup = hangups.recv() => hangup.is_some(),
                () = stop.stopping() => return Ok(()),
            };
            match self.look().await {
                Ok(Some(report)) => report.tell(),
                Ok(None) if asked => tracing::info!("the routes were read again: nothing has changed"),
                Ok(None) => {}
                Err(error) => {
                    counter!("gateway_routes_reload_failures_total").increment(1);
                    let error = format!("{error:#}");
                    if asked || told.as_ref() != Some(&error) {
                        tracing::error!(error, "the routes cannot be read again: those of before hold");
                    }
                    told = Some(error);
                    continue;
                }
            }
            told = None;
        }
    }

    /// Reads the file again; what has changed, when it has.
    async fn look(&self) -> anyhow::Result<Option<Report>> {
        let text = read(&self.file).await?;
        let before = self.table.load_full();
        if text == before.text {
            return Ok(None);
        }
        let plan =
            Plan::read(&text, &self.ground.services()).map_err(|problems| wrong(&self.file, &problems))?;
        let table = Arc::new(Next::of(text, plan, &before, &self.ground)?.take_over(&self.ground));
        self.table.store(Arc::clone(&table));
        // Whoever is sent away by this comes back to the new routes.
        before.end_without(&table);
        counter!("gateway_routes_reloads_total").increment(1);
        Ok(Some(before.report(&table)))
    }
}

impl Lane for Door {
    fn find(&self, request: &Request<Body>) -> Option<Arc<dyn Way>> {
        let table = self.table.load();
        let place = table.plan.find(request)?;
        let route = table.routes.get(place)?;
        if wanted(request.headers()) {
            return Some(Arc::new(Explained::new(Arc::clone(&table), route.clone())));
        }
        Some(route.clone())
    }
}

impl Next {
    /// Makes ready what a plan says. What is live does not change.
    fn of(text: String, plan: Plan, before: &Table, ground: &Arc<Ground>) -> anyhow::Result<Self> {
        let (mut upstreams, mut changes) = (BTreeMap::new(), Vec::new());
        for (name, spec) in &plan.upstreams {
            let upstream = match before.upstreams.get(name) {
                Some(known) => {
                    if before.plan.upstreams.get(name) != Some(spec) {
                        changes.push(known.ready(spec.clone())?);
                    }
                    Arc::clone(known)
                }
                None => ground.upstream(name, spec)?,
            };
            upstreams.insert(name.clone(), upstream);
        }
        let (known, mut routes, mut begin) = (before.by_name(), Vec::new(), Vec::new());
        for planned in &plan.routes {
            let route = match known.get(&*planned.name) {
                Some(route) if route.is(planned, &upstreams) => Arc::clone(route),
                _ => {
                    let route = Route::new(planned, &upstreams, ground)?;
                    begin.push(Arc::clone(&route));
                    route
                }
            };
            routes.push(route);
        }
        let providers = ground.providers().ready(&plan.providers)?;
        Ok(Self { table: Table { text, plan, routes, upstreams }, begin, upstreams: changes, providers })
    }

    /// Has it hold; the table is for whoever called to put in its place.
    fn take_over(self, ground: &Ground) -> Table {
        self.upstreams.into_iter().for_each(Ready::take_over);
        ground.providers().take_over(self.providers);
        self.begin.iter().for_each(|route| route.begin());
        gauge!("gateway_routes").set(u32::try_from(self.table.routes.len()).unwrap_or(u32::MAX));
        self.table
    }
}

impl Table {
    fn by_name(&self) -> BTreeMap<&str, &Arc<Route>> {
        self.routes.iter().map(|route| (&*route.planned().name, route)).collect()
    }

    /// Ends the routes that another table does not have.
    fn end_without(&self, after: &Self) {
        let after = after.by_name();
        let stays = |route: &Arc<Route>| {
            after.get(&*route.planned().name).is_some_and(|known| Arc::ptr_eq(known, route))
        };
        self.routes.iter().filter(|route| !stays(route)).for_each(|route| route.end());
    }

    /// What is different afterwards.
    fn report(&self, after: &Self) -> Report {
        let plans = (&self.plan, &after.plan);
        let (before, after) = (self.by_name(), after.by_name());
        let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let mut report = Report::default();
        for name in names {
            match (before.get(name), after.get(name)) {
                (Some(before), Some(after)) if Arc::ptr_eq(before, after) => report.same += 1,
                (Some(_), after) => {
                    let list = if after.is_some() { &mut report.changed } else { &mut report.removed };
                    list.push(name.to_owned());
                }
                (None, _) => report.added.push(name.to_owned()),
            }
        }
        for (name, spec) in &plans.1.upstreams {
            if plans.0.upstreams.get(name).is_some_and(|before| before != spec) {
                report.changed.push(format!("upstream.{name}"));
            }
        }
        for (name, spec) in &plans.1.providers {
            if plans.0.providers.get(name).is_some_and(|before| before != spec) {
                report.changed.push(format!("provider.{name}"));
            }
        }
        report
    }
}

impl Report {
    fn tell(&self) {
        let Self { added, removed, changed, same } = self;
        tracing::info!(
            added = added.join(" "),
            removed = removed.join(" "),
            changed = changed.join(" "),
            same,
            "the routes were read again"
        );
    }
}

async fn read(file: &Path) -> anyhow::Result<String> {
    let text = tokio::fs::read_to_string(file).await;
    text.with_context(|| format!("gateway.routes_file: {} cannot be read", file.display()))
}

fn wrong(file: &Path, problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
    anyhow::anyhow!("gateway.routes_file: {} is wrong\n{}", file.display(), lines.join("\n"))
}
