//! Roll-outs of a route: a part of its requests goes to another target, which is watched; copies of requests that go to an
//! upstream which nobody hears; variants that are compared.
//!
//! ```text
//! request -> choose (header, cookie, share) -> target -> meter -> live (counts) -> work -> store -> judge
//!         -> mirror (a copy)                                       live (share) <-
//! ```
//!
//! What must hold:
//! - Somebody who is on the new side stays there while its share grows, in every replica and after every start ([`share`]).
//! - A roll-out with steps stands in the database: replicas agree on it, and a restart does not begin it anew ([`work`]). One
//!   that went back stays back until the file says another target or generation.
//! - A request waits for nothing of this. A route without any of it pays for nothing.
//!
//! What it does not do: it does not look into answers. One that is wrong with status 200 is well.

mod act;
mod api;
mod check;
mod choose;
mod judge;
mod live;
mod meter;
mod mirror;
mod share;
mod shown;
mod spec;
mod store;
mod work;

pub(crate) use api::routes;
pub(crate) use check::{check, described, leads_to, upstream};
pub(crate) use choose::Asker;
pub(crate) use mirror::Mirror;
pub(crate) use spec::{MirrorSpec, RolloutSpec, VariantSpec};
pub(crate) use work::Rollouts;

use crate::table::RouteSpec;
use choose::{Choice, Chooser, Side, Variants};
use http::HeaderValue;
use live::Live;
use meter::{Ended, Measuring, Meter};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How the requests of a route are split.
#[derive(Debug)]
pub(crate) struct Split(Kind);

#[derive(Debug)]
enum Kind {
    /// Nothing but copies is made.
    Whole,
    Rollout {
        chooser: Chooser,
        live: Arc<Live>,
        stable: Meter,
        canary: Meter,
    },
    Variants(Variants, Vec<Meter>),
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pick {
    /// The place of its target among [`Split::targets`]; nothing for the route's own.
    pub(crate) place: Option<usize>,
    /// Whether how it ends says something about all others: not when who asks has chosen the side.
    is_sample: bool,
}

impl Split {
    /// That of a spec that was checked, before it begins; nothing when all requests go one way.
    pub(crate) fn of(route: &Arc<str>, spec: &RouteSpec, rollouts: &Rollouts) -> Option<Self> {
        if let Some(rollout) = &spec.rollout {
            return Some(Self(Kind::Rollout {
                chooser: Chooser::new(route, rollout),
                live: rollouts.of_route(route, rollout),
                stable: Meter::of_side(route, Side::Stable.as_str()),
                canary: Meter::of_side(route, Side::Canary.as_str()),
            }));
        }
        if !spec.variants.is_empty() {
            let meters = spec.variants.iter().map(|variant| Meter::of_variant(route, &variant.name));
            return Some(Self(Kind::Variants(Variants::new(route, &spec.variants), meters.collect())));
        }
        spec.mirror.is_some().then_some(Self(Kind::Whole))
    }

    /// Has what the file says of it hold from now on.
    pub(crate) fn begin(&self, spec: &RouteSpec, rollouts: &Rollouts) {
        if let (Kind::Rollout { live, .. }, Some(rollout)) = (&self.0, &spec.rollout) {
            rollouts.take_over(live, rollout);
        }
    }

    /// The names of the targets that it chooses from, besides the route's own.
    pub(crate) fn targets(spec: &RouteSpec) -> Vec<&str> {
        let rollout = spec.rollout.iter().map(|rollout| rollout.to.as_str());
        rollout.chain(spec.variants.iter().map(|variant| variant.to.as_str())).collect()
    }

    /// Chooses for a request; also what the browser is given, so that it comes to the same side again.
    pub(crate) fn choose(&self, asker: &Asker<'_>) -> (Pick, Option<HeaderValue>) {
        match &self.0 {
            Kind::Whole => (Pick::default(), None),
            Kind::Rollout { chooser, live, .. } => {
                let share = live.share();
                let Choice { side, why, assigned } = chooser.choose(asker, share, live.is_open(share));
                (Pick { place: side.place(), is_sample: why.is_sample() }, assigned)
            }
            Kind::Variants(variants, _) => {
                (Pick { place: Some(variants.choose(asker)), is_sample: false }, None)
            }
        }
    }

    /// Begins to measure a request that goes there.
    pub(crate) fn measure(
        &self,
        pick: Pick,
        deadline: Instant,
    ) -> Option<Measuring<'_, impl FnMut(Ended, Duration)>> {
        let (meter, heard) = match &self.0 {
            Kind::Whole => return None,
            Kind::Rollout { live, stable, canary, .. } => {
                let (side, meter) = match pick.place {
                    None => (Side::Stable, stable),
                    Some(_) => (Side::Canary, canary),
                };
                (meter, pick.is_sample.then_some((live, side)))
            }
            Kind::Variants(_, meters) => (meters.get(pick.place?)?, None),
        };
        let tell = move |ended, took| {
            if let Some((live, side)) = heard {
                live.note(side, ended, took);
            }
        };
        Some(Measuring::begin(meter, deadline, tell))
    }

    /// What would be chosen, in words, and the places that the request may come to.
    pub(crate) fn look(&self, asker: &Asker<'_>) -> Option<(String, Vec<Option<usize>>)> {
        match &self.0 {
            Kind::Whole => None,
            Kind::Rollout { chooser, live, .. } => {
                let share = live.share();
                let (side, says) = chooser.look(asker, share, live.is_open(share));
                Some((says, side.map_or_else(|| self.places(), |side| vec![side.place()])))
            }
            Kind::Variants(variants, _) => {
                let (place, says) = variants.look(asker);
                Some((says, vec![Some(place)]))
            }
        }
    }

    /// All places that a request may come to.
    pub(crate) fn places(&self) -> Vec<Option<usize>> {
        match &self.0 {
            Kind::Whole => vec![None],
            Kind::Rollout { .. } => vec![Side::Stable.place(), Side::Canary.place()],
            Kind::Variants(_, meters) => (0..meters.len()).map(Some).collect(),
        }
    }

    /// The part of the route that picks.
    pub(crate) fn part(&self) -> &'static str {
        match &self.0 {
            Kind::Whole => "mirror",
            Kind::Rollout { .. } => "rollout",
            Kind::Variants(..) => "variants",
        }
    }
}
