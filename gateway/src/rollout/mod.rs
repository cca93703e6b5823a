//! Roll-outs of a route: a part of its requests goes to another target, which is watched; copies of requests that go to an
//! upstream which nobody hears; variants that are compared.
//!
//! ```text
//! request -> choose (header, cookie, share) -> target -> meter
//!         -> mirror (a copy)
//! ```
//!
//! What must hold:
//! - Somebody who is on the new side stays there while its share grows, in every replica and after every start ([`share`]).
//! - A route without any of this pays for nothing of it.
//!
//! What it does not do: it does not look into answers. One that is wrong with status 200 is well.

mod check;
mod choose;
mod meter;
mod mirror;
mod share;
mod spec;

pub(crate) use check::{check, described, leads_to, upstream};
pub(crate) use choose::Asker;
pub(crate) use mirror::Mirror;
pub(crate) use spec::{MirrorSpec, RolloutSpec, VariantSpec};

use crate::table::RouteSpec;
use choose::{Chooser, Side, Variants};
use http::HeaderValue;
use meter::{Ended, Measuring, Meter};
use share::Share;
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
        share: Share,
        stable: Meter,
        canary: Meter,
    },
    Variants(Variants, Vec<Meter>),
}

/// What was chosen for a request.
pub(crate) struct Chosen<'a> {
    /// The place of its target among [`Split::targets`]; nothing for the route's own.
    pub(crate) place: Option<usize>,
    /// What the browser is given.
    pub(crate) assigned: Option<HeaderValue>,
    meter: Option<&'a Meter>,
}

impl Split {
    /// That of a spec that was checked; nothing when all requests go one way.
    pub(crate) fn of(route: &Arc<str>, spec: &RouteSpec) -> Option<Self> {
        if let Some(rollout) = &spec.rollout {
            return Some(Self(Kind::Rollout {
                chooser: Chooser::new(route, rollout),
                share: rollout.percent.and_then(Share::of).unwrap_or(Share::NONE),
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

    /// The names of the targets that it chooses from, besides the route's own.
    pub(crate) fn targets(spec: &RouteSpec) -> Vec<&str> {
        let rollout = spec.rollout.iter().map(|rollout| rollout.to.as_str());
        rollout.chain(spec.variants.iter().map(|variant| variant.to.as_str())).collect()
    }

    /// Chooses for a request.
    pub(crate) fn choose(&self, asker: &Asker<'_>) -> Chosen<'_> {
        match &self.0 {
            Kind::Whole => Chosen { place: None, assigned: None, meter: None },
            Kind::Rollout { chooser, share, stable, canary } => {
                let choice = chooser.choose(asker, *share, true);
                let (place, meter) = match choice.side {
                    Side::Stable => (None, stable),
                    Side::Canary => (Some(0), canary),
                };
                Chosen { place, assigned: choice.assigned, meter: Some(meter) }
            }
            Kind::Variants(variants, meters) => {
                let place = variants.choose(asker);
                Chosen { place: Some(place), assigned: None, meter: meters.get(place) }
            }
        }
    }

    /// What would be chosen, in words, and the part of the route that says so.
    pub(crate) fn look(&self, asker: &Asker<'_>) -> Option<(&'static str, String)> {
        match &self.0 {
            Kind::Whole => None,
            Kind::Rollout { chooser, share, .. } => Some(("rollout", chooser.look(asker, *share, true))),
            Kind::Variants(variants, _) => Some(("variants", variants.look(asker))),
        }
    }
}

impl<'a> Chosen<'a> {
    /// Begins to measure it.
    pub(crate) fn measure(
        &self,
        deadline: Instant,
    ) -> Option<Measuring<'a, impl FnMut(Ended, Duration) + use<'a>>> {
        self.meter.map(|meter| Measuring::begin(meter, deadline, |_, _| {}))
    }
}
