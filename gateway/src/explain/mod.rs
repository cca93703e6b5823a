//! Why a request goes where it goes: which route is meant and which were not, what each layer says of it, and the line of the
//! file behind each.
//!
//! What must hold: it is found out by the code that routes requests, not by a copy of it; nothing is counted, sent or kept; and
//! a file that is not live yet is explained as far as it can be without asking anybody.

mod ask;
mod live;
mod routes;

pub(crate) use ask::{Explainer, routes as asked};
pub(crate) use live::{Explained, is_heard, tell, wanted};
pub use routes::{Listed, list};

use crate::access::Access;
use crate::rollout;
use crate::table::{Plan, Planned, Problem, host};
use chassis::service::Spec;
use contract::gateway::{Explanation, MeantRoute, PassedOver, Verdict};
use http::Request;

/// Collects verdicts on a route, with the lines behind them.
#[derive(Debug)]
pub(crate) struct Verdicts<'a> {
    plan: &'a Plan,
    place: usize,
    all: Vec<Verdict>,
}

impl<'a> Verdicts<'a> {
    pub(crate) fn new(plan: &'a Plan, place: usize) -> Self {
        Self { plan, place, all: Vec::new() }
    }

    /// Adds what a layer says; `key` is the part of the route that has it say so.
    pub(crate) fn say(&mut self, layer: &'static str, key: &str, says: impl Into<String>) {
        let line = Some(self.plan.line_of(self.place, key));
        self.all.push(Verdict { layer: layer.to_owned(), says: says.into(), line });
    }

    pub(crate) fn end(self) -> Vec<Verdict> {
        self.all
    }
}

/// What would become of a request by this file, as far as that can be told without asking anybody.
///
/// # Errors
/// Everything that is wrong with the file, a line each.
pub fn explain<B>(text: &str, services: &[&Spec], request: &Request<B>) -> Result<Explanation, String> {
    let plan = read(text, services)?;
    Ok(by_plan(&plan, services, request).0)
}

/// Reads a file.
fn read(text: &str, services: &[&Spec]) -> Result<Plan, String> {
    let behind: Vec<_> = services.iter().filter(|spec| !spec.door).map(|spec| spec.name).collect();
    Plan::read(text, &behind).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
        lines.join("\n")
    })
}

/// What would become of a request by this plan, and the place of the route that is meant.
pub(crate) fn by_plan<B>(
    plan: &Plan,
    services: &[&Spec],
    request: &Request<B>,
) -> (Explanation, Option<usize>) {
    let mut passed_over = Vec::new();
    let place = plan.tried(request, |place, unmet| {
        let (route, line) = (plan.routes[place].name.to_string(), plan.lines[place]);
        passed_over.push(PassedOver { route, line, because: unmet.to_string() });
    });
    let (route, layers) = match place {
        Some(place) => {
            let mut verdicts = Verdicts::new(plan, place);
            let planned = &plan.routes[place];
            planned.explain(&mut verdicts);
            let line = Some(plan.lines[place]);
            (Some(MeantRoute { name: planned.name.to_string(), line }), verdicts.end())
        }
        None => built_in(services, request.uri().path()),
    };
    let explanation = Explanation {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        host: host(request).map(str::to_owned),
        passed_over,
        route,
        layers,
    };
    (explanation, place)
}

/// Why a request goes to the service of this name.
pub(crate) fn of_service<B>(name: &str, request: &Request<B>) -> Explanation {
    let says = format!("the service {name}, which asks who may");
    let path = request.uri().path();
    let route = routes::noun(path).map_or_else(|| path.to_owned(), |noun| format!("/api/v1/{noun}"));
    Explanation {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        host: host(request).map(str::to_owned),
        passed_over: Vec::new(),
        route: Some(MeantRoute { name: route, line: None }),
        layers: vec![Verdict { layer: "target".to_owned(), says, line: None }],
    }
}

/// The route of a service, or of the gateway itself.
pub(crate) fn built_in(services: &[&Spec], path: &str) -> (Option<MeantRoute>, Vec<Verdict>) {
    let noun = routes::noun(path);
    let owner = services
        .iter()
        .find(|spec| noun.is_some_and(|noun| spec.owns.contains(&noun)) || spec.well_known.contains(&path));
    let Some(owner) = owner else { return (None, Vec::new()) };
    let says = match owner.door {
        true => "the gateway answers itself".to_owned(),
        false => format!("the service {}, which asks who may", owner.name),
    };
    let name = noun.map_or_else(|| path.to_owned(), |noun| format!("/api/v1/{noun}"));
    (Some(MeantRoute { name, line: None }), vec![Verdict { layer: "target".to_owned(), says, line: None }])
}

impl Planned {
    /// What the layers of a route say that need nobody to be asked.
    pub(crate) fn explain(&self, verdicts: &mut Verdicts<'_>) {
        let spec = &self.spec;
        verdicts.say("access", "access", Access::new(&self.access, &[]).wanted());
        for quota in &self.quotas {
            verdicts.say("limits", "limits", format!("{quota}"));
        }
        if let Some(ms) = spec.timeout_ms {
            verdicts.say("deadline", "timeout_ms", format!("{ms} ms"));
        }
        if let Some(bytes) = spec.body_limit {
            verdicts.say("body", "body_limit", format!("at most {bytes} bytes"));
        }
        if let Some(origins) = &spec.cors {
            verdicts.say("cors", "cors", format!("pages of {}", origins.join(", ")));
        }
        if let Some(cache) = &spec.cache {
            verdicts.say("cache", "cache", cache.describe());
        }
        if let Some(to) = &spec.rewrite {
            verdicts.say("rewrite", "rewrite", format!("asked for as {to}"));
        }
        if let Some(aggregate) = &spec.aggregate {
            verdicts.say("target", "aggregate", aggregate.describe());
        }
        if let Some(name) = &spec.upstream {
            verdicts.say("target", "upstream", format!("the upstream {name}"));
        }
        if let Some(name) = &spec.service {
            verdicts.say("target", "service", format!("the service {name}"));
        }
        for (part, says) in rollout::described(spec) {
            verdicts.say(part, part, says);
        }
        if let Some(redirect) = &spec.redirect {
            let says = format!("the client is sent to {} with {}", redirect.to, redirect.status);
            verdicts.say("target", "redirect", says);
        }
    }
}
