//! Why a request goes where it goes: which route is meant and which were not, what each layer says of it, and the line of the
//! file behind each.
//!
//! What must hold: it is found out by the code that routes requests, not by a copy of it; nothing is counted, sent or kept; and
//! a file that is not live yet is explained as far as it can be without asking anybody.

mod routes;

pub use routes::{Listed, list};

use crate::table::{Plan, Planned, Problem, host};
use chassis::service::Spec;
use http::Request;
use serde::Serialize;
use std::fmt;

/// What would become of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Routes of the file whose path fits and which are not meant.
    passed_over: Vec<PassedOver>,
    /// The route that is meant; none is 404.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Meant>,
    /// What each layer says, in the order in which they are asked.
    layers: Vec<Verdict>,
}

/// A route that is not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PassedOver {
    route: String,
    line: usize,
    because: String,
}

/// The route that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Meant {
    name: String,
    /// Its line in the file; a route of a service has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// What a layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    layer: &'static str,
    says: String,
    /// The line of the file behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// Collects verdicts on a route, with the lines behind them.
#[derive(Debug)]
pub(crate) struct Verdicts<'a> {
    plan: &'a Plan,
    place: usize,
    all: Vec<Verdict>,
}

impl Verdicts<'_> {
    /// Adds what a layer says; `key` is the part of the route that has it say so.
    pub(crate) fn say(&mut self, layer: &'static str, key: &str, says: impl Into<String>) {
        let line = Some(self.plan.line_of(self.place, key));
        self.all.push(Verdict { layer, says: says.into(), line });
    }
}

/// What would become of a request by this file, as far as that can be told without asking anybody.
///
/// # Errors
/// Everything that is wrong with the file, a line each.
pub fn explain<B>(text: &str, services: &[&Spec], request: &Request<B>) -> Result<Explanation, String> {
    let plan = read(text, services)?;
    Ok(by_plan(&plan, services, request, |planned, verdicts| planned.explain(verdicts)))
}

/// Reads a file.
fn read(text: &str, services: &[&Spec]) -> Result<Plan, String> {
    let behind: Vec<_> = services.iter().filter(|spec| !spec.door).map(|spec| spec.name).collect();
    Plan::read(text, &behind).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
        lines.join("\n")
    })
}

/// What would become of a request by this plan; `layers` says what the layers of the route that is meant say.
pub(crate) fn by_plan<B>(
    plan: &Plan,
    services: &[&Spec],
    request: &Request<B>,
    layers: impl FnOnce(&Planned, &mut Verdicts<'_>),
) -> Explanation {
    let mut passed_over = Vec::new();
    let place = plan.tried(request, |place, unmet| {
        let (route, line) = (plan.routes[place].name.to_string(), plan.lines[place]);
        passed_over.push(PassedOver { route, line, because: unmet.to_string() });
    });
    let (route, layers) = match place {
        Some(place) => {
            let mut verdicts = Verdicts { plan, place, all: Vec::new() };
            let planned = &plan.routes[place];
            layers(planned, &mut verdicts);
            let line = Some(plan.lines[place]);
            (Some(Meant { name: planned.name.to_string(), line }), verdicts.all)
        }
        None => built_in(services, request.uri().path()),
    };
    Explanation {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        host: host(request).map(str::to_owned),
        passed_over,
        route,
        layers,
    }
}

/// The route of a service, or of the gateway itself.
fn built_in(services: &[&Spec], path: &str) -> (Option<Meant>, Vec<Verdict>) {
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
    (Some(Meant { name, line: None }), vec![Verdict { layer: "target", says, line: None }])
}

impl Planned {
    /// What the layers of a route say that need nobody to be asked.
    pub(crate) fn explain(&self, verdicts: &mut Verdicts<'_>) {
        let spec = &self.spec;
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
        if let Some(name) = &spec.upstream {
            verdicts.say("target", "upstream", format!("the upstream {name}"));
        }
        if let Some(name) = &spec.service {
            verdicts.say("target", "service", format!("the service {name}"));
        }
        if let Some(redirect) = &spec.redirect {
            let says = format!("the client is sent to {} with {}", redirect.to, redirect.status);
            verdicts.say("target", "redirect", says);
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, host, passed_over, route, layers } = self;
        write!(f, "{method} {path}")?;
        if let Some(host) = host {
            write!(f, " at {host}")?;
        }
        for PassedOver { route, line, because } in passed_over {
            write!(f, "\n  not      {route} (line {line}): {because}")?;
        }
        match route {
            None => write!(f, "\n  no route is meant: 404")?,
            Some(Meant { name, line: Some(line) }) => write!(f, "\n  route    {name} (line {line})")?,
            Some(Meant { name, line: None }) => write!(f, "\n  route    {name} (built in)")?,
        }
        for Verdict { layer, says, line } in layers {
            write!(f, "\n  {layer:<8} {says}")?;
            if let Some(line) = line {
                write!(f, " (line {line})")?;
            }
        }
        Ok(())
    }
}
