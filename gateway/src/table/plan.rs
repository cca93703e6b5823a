//! What the file of routes means: checked as a whole, in the order in which routes are tried. Nothing is connected here, so a
//! file can be read that is not live yet.

use super::condition::{Conditions, Unmet};
use super::edit::Edit;
use super::file::{File, Problem, RouteSpec, Source};
use super::named::{NAME, is_name, providers, upstreams};
use super::pattern::{Pattern, Template, plain};
use crate::access::{AccessSpec, Who};
use crate::aggregate::AggregateSpec;
use crate::oidc::ProviderSpec;
use crate::proxy::has_dot_segments;
use crate::rollout;
use crate::upstream::UpstreamSpec;
use chassis::http::check_origin;
use chassis::limits::Quota;
use http::{Request, StatusCode};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The longest that a route may let a client wait.
const LONGEST: u64 = 3_600_000;
/// The largest body that a route may let in: 1 GiB.
const LARGEST: usize = 1 << 30;

/// The routes of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The narrowest first.
    pub(crate) routes: Vec<Arc<Planned>>,
    /// Where each route stands, by its place above.
    pub(crate) lines: Vec<usize>,
    /// The upstreams that they lead to.
    pub(crate) upstreams: BTreeMap<String, UpstreamSpec>,
    /// The identity providers that they name.
    pub(crate) providers: BTreeMap<String, ProviderSpec>,
    /// The places of routes by their first segment, and of those that any will do for.
    first: HashMap<String, Vec<usize>>,
    any: Vec<usize>,
    text: Arc<str>,
    spans: Vec<Range<usize>>,
}

/// A route that makes sense.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) spec: RouteSpec,
    pub(crate) name: Arc<str>,
    pub(crate) pattern: Pattern,
    pub(crate) conditions: Conditions,
    pub(crate) rewrite: Option<Template>,
    pub(crate) redirect: Option<(StatusCode, Template)>,
    pub(crate) request_edit: Edit,
    pub(crate) response_edit: Edit,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) access: AccessSpec,
}

impl Planned {
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.spec.timeout_ms.map(Duration::from_millis)
    }

    /// Where it leads, in words.
    pub(crate) fn target(&self) -> String {
        let RouteSpec { service, upstream, redirect, aggregate, .. } = &self.spec;
        if let Some(aggregate) = aggregate {
            return aggregate.describe();
        }
        match (service, upstream, redirect) {
            (Some(service), ..) => format!("service {service}"),
            (None, Some(upstream), _) => format!("upstream {upstream}"),
            (None, None, Some(redirect)) => format!("{} {}", redirect.status, redirect.to),
            (None, None, None) => String::new(),
        }
    }
}

impl Plan {
    /// Reads a file. `services` are those that a route may name.
    ///
    /// # Errors
    /// Everything that is wrong with it, by line.
    pub(crate) fn read(text: &str, services: &[&str]) -> Result<Self, Vec<Problem>> {
        let source = Source(text);
        let file = source.read().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let mut found = Vec::new();
        let known = Known {
            services,
            upstreams: file.upstream.keys().map(String::as_str).collect(),
            providers: file.provider.keys().map(String::as_str).collect(),
        };
        providers(source, &file, &mut problems);
        upstreams(source, &file, &mut problems);
        for route in &file.route {
            let (spec, span) = (route.get_ref(), route.span());
            let mut say = |field: &str, message: String| {
                problems.push(Problem {
                    line: source.line_of(span.clone(), field),
                    place: format!("route {}: {field}", spec.name),
                    message,
                });
            };
            if let Some(planned) = planned(spec, &known, &mut say) {
                found.push((planned, span));
            }
        }
        twins(source, &file, &mut problems);
        // The narrowest first; of equals the one that stands first in the file.
        found.sort_by_key(|(planned, _)| std::cmp::Reverse(rank(planned)));
        never_meant(source, &found, &mut problems);
        if !problems.is_empty() {
            problems.sort();
            return Err(problems);
        }
        let upstreams = file.upstream.into_iter().map(|(name, spec)| (name, spec.into_inner()));
        let providers = file.provider.into_iter().map(|(name, spec)| (name, spec.into_inner())).collect();
        let mut plan =
            Self { text: text.into(), upstreams: upstreams.collect(), providers, ..Self::default() };
        for (place, (planned, span)) in found.into_iter().enumerate() {
            match planned.pattern.first() {
                Some(first) => plan.first.entry(first.to_owned()).or_default().push(place),
                None => plan.any.push(place),
            }
            plan.lines.push(source.line_at(span.start));
            plan.spans.push(span);
            plan.routes.push(Arc::new(planned));
        }
        Ok(plan)
    }

    /// The place of the route that is meant by a request.
    pub(crate) fn find<B>(&self, request: &Request<B>) -> Option<usize> {
        self.tried(request, |_, _| {})
    }

    /// The same, telling what each route before it was not met by.
    pub(crate) fn tried<B>(&self, request: &Request<B>, mut told: impl FnMut(usize, Unmet)) -> Option<usize> {
        if self.routes.is_empty() {
            return None;
        }
        let sent = request.uri().path();
        let path = plain(sent).ok()?;
        let path = path.as_ref();
        // What is inside is reached by its own credential only, and a path that climbs by nobody.
        if path.starts_with("/internal/") || has_dot_segments(path) {
            return None;
        }
        let first = path.strip_prefix('/')?.split('/').next().unwrap_or_default();
        let named = self.first.get(first).map_or(&[][..], Vec::as_slice);
        merged(named, &self.any).find(|place| {
            let route = &self.routes[*place];
            route.pattern.matches(path)
                && match route.conditions.unmet(request) {
                    Ok(()) => true,
                    Err(unmet) => {
                        told(*place, unmet);
                        false
                    }
                }
        })
    }

    /// The line on which a route says this about a key of it.
    pub(crate) fn line_of(&self, place: usize, key: &str) -> usize {
        self.spans.get(place).map_or(0, |span| Source(&self.text).line_of(span.clone(), key))
    }
}

/// Both lists in their order.
fn merged<'a>(a: &'a [usize], b: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(of_a), Some(of_b)) if of_b < of_a => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}

/// What the routes are ordered by: the host, the path, what else is asked for.
fn rank(planned: &Planned) -> impl Ord + use<> {
    let (host, conditions, methods) = planned.conditions.narrowness();
    (host, planned.pattern.narrowness(), conditions, methods)
}

fn planned(spec: &RouteSpec, known: &Known<'_>, say: &mut dyn FnMut(&str, String)) -> Option<Planned> {
    if !is_name(&spec.name) {
        say("name", NAME.to_owned());
    }
    target(spec, known, say);
    let access = access(spec, known, say);
    if spec.timeout_ms.is_some_and(|ms| !(1..=LONGEST).contains(&ms)) {
        say("timeout_ms", format!("must be between 1 and {LONGEST}"));
    }
    if spec.body_limit.is_some_and(|bytes| bytes > LARGEST) {
        say("body_limit", format!("must be at most {LARGEST} bytes"));
    }
    if spec.tries.is_some_and(|tries| !(1..=10).contains(&tries)) {
        say("tries", "must be between 1 and 10".to_owned());
    }
    for origin in spec.cors.iter().flatten() {
        if let Err(message) = check_origin(origin) {
            say("cors", message);
        }
    }
    let mut quotas = Vec::new();
    for rule in &spec.limits {
        match rule.parse::<Quota>() {
            Ok(quota) => quotas.push(quota),
            Err(message) => say("limits", format!("`{rule}` {message}")),
        }
    }
    let request_edit = Edit::of(&spec.request_headers, |message| say("request_headers", message));
    let response_edit = Edit::of(&spec.response_headers, |message| say("response_headers", message));
    let conditions = Conditions::of(spec, &mut *say);
    let pattern = match Pattern::parse(&spec.path) {
        Ok(pattern) => pattern,
        Err(message) => {
            say("path", message);
            return None;
        }
    };
    if pattern.first() == Some("internal") {
        say("path", "what is below /internal is reached by services only, never through a route".to_owned());
    }
    let mut template = |field: &str, text: &str| {
        let template = Template::parse(text, &pattern);
        template.map_err(|message| say(field, message)).ok()
    };
    let rewrite = spec.rewrite.as_deref().and_then(|text| template("rewrite", text));
    let redirect = spec.redirect.as_ref().and_then(|redirect| {
        Some((StatusCode::from_u16(redirect.status).ok()?, template("redirect", &redirect.to)?))
    });
    if let Some(aggregate) = &spec.aggregate {
        for (field, message) in aggregate.check(&pattern, known.services, &known.upstreams) {
            say(&format!("aggregate.{field}"), message);
        }
    }
    if let Some(cache) = &spec.cache {
        for (field, message) in cache.check() {
            say(&format!("cache.{field}"), message);
        }
        for name in cache.parameters() {
            if let Err(message) = Template::parse(&format!("{{{name}}}"), &pattern) {
                say("cache.tags", message);
            }
        }
    }
    if spec.rewrite.as_ref().is_some_and(|path| !path.starts_with('/') || path.contains(['?', '#'])) {
        say("rewrite", "must be a path, such as /v2/{rest}".to_owned());
    }
    let name = spec.name.as_str().into();
    let spec = spec.clone();
    Some(Planned {
        spec,
        name,
        pattern,
        conditions,
        rewrite,
        redirect,
        request_edit,
        response_edit,
        quotas,
        access,
    })
}

/// What a route may name.
struct Known<'a> {
    services: &'a [&'a str],
    upstreams: Vec<&'a str>,
    providers: Vec<&'a str>,
}

/// Who may use a route. A service asks for itself; an upstream knows nobody, so the door does.
fn access(spec: &RouteSpec, known: &Known<'_>, say: &mut dyn FnMut(&str, String)) -> AccessSpec {
    let Some(access) = &spec.access else {
        let asks = spec.aggregate.as_ref().is_some_and(AggregateSpec::leaves)
            || rollout::upstream(spec, |name| known.upstreams.contains(&name));
        let who = if asks { Who::default() } else { Who::Public };
        return AccessSpec { who, ..AccessSpec::default() };
    };
    for (field, message) in access.check() {
        say(&format!("access.{field}"), message);
    }
    for name in access.services.iter().filter(|name| !known.services.contains(&name.as_str())) {
        say("access.services", format!("there is no service {name}"));
    }
    for name in access.provider.iter().filter(|name| !known.providers.contains(&name.as_str())) {
        say("access.provider", format!("there is no [provider.{name}] in the file"));
    }
    access.clone()
}

/// A route goes to one place.
fn target(spec: &RouteSpec, known: &Known<'_>, say: &mut dyn FnMut(&str, String)) {
    let named = [
        ("service", spec.service.is_some()),
        ("upstream", spec.upstream.is_some()),
        ("redirect", spec.redirect.is_some()),
        ("aggregate", spec.aggregate.is_some()),
    ];
    if named.iter().filter(|(_, is)| *is).count() != 1 {
        let all: Vec<_> = named.iter().map(|(name, _)| *name).collect();
        say("name", format!("a route has exactly one of: {}", all.join(", ")));
    }
    if let Some(service) = &spec.service
        && !known.services.contains(&service.as_str())
    {
        say("service", format!("there is no service `{service}`; there is: {}", known.services.join(", ")));
    }
    if let Some(upstream) = &spec.upstream
        && !known.upstreams.contains(&upstream.as_str())
    {
        say("upstream", format!("there is no [upstream.{upstream}] in the file"));
    }
    if !rollout::upstream(spec, |name| known.upstreams.contains(&name)) {
        for (field, is) in [("tries", spec.tries.is_some()), ("preserve_host", spec.preserve_host)] {
            if is {
                say(field, "has a meaning on the way to an upstream only".to_owned());
            }
        }
    }
    if let Some(redirect) = &spec.redirect {
        if !matches!(redirect.status, 301 | 302 | 303 | 307 | 308) {
            say("redirect", "its status must be 301, 302, 303, 307 or 308".to_owned());
        }
        let to = &redirect.to;
        let elsewhere = to.starts_with("https://") || to.starts_with("http://");
        let begins_with_who_asks = to.starts_with("//") || to.starts_with("/{") || to.contains("://{");
        if !(elsewhere || to.starts_with('/')) || begins_with_who_asks {
            say("redirect", "must be a path or a URL whose host the client does not choose".to_owned());
        }
    }
    let (upstream, service) =
        (|name: &str| known.upstreams.contains(&name), |name: &str| known.services.contains(&name));
    rollout::check(spec, upstream, service, say);
    if spec.rewrite.is_some() && (spec.redirect.is_some() || spec.aggregate.is_some()) {
        say("rewrite", "has no meaning here: nothing is asked behind this route".to_owned());
    }
}

/// Names are labels, so each is one route's.
fn twins(source: Source<'_>, file: &File, problems: &mut Vec<Problem>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for route in &file.route {
        let name = route.get_ref().name.as_str();
        let line = source.line_of(route.span(), "name");
        if let Some(first) = seen.get(name) {
            let message = format!("another route has this name, on line {first}");
            problems.push(Problem { line, place: format!("route {name}: name"), message });
        } else {
            seen.insert(name, line);
        }
    }
}

/// A route that asks for what an earlier one asks for is a mistake.
fn never_meant(source: Source<'_>, found: &[(Planned, Range<usize>)], problems: &mut Vec<Problem>) {
    for (at, (later, span)) in found.iter().enumerate() {
        let same = |(earlier, _): &&(Planned, Range<usize>)| {
            earlier.conditions == later.conditions && earlier.pattern.means_as(&later.pattern)
        };
        if let Some((earlier, of_earlier)) = found[..at].iter().find(same) {
            let line = source.line_at(of_earlier.start);
            let message = format!("never meant: route {} on line {line} asks for the same", earlier.name);
            let place = format!("route {}", later.name);
            problems.push(Problem { line: source.line_at(span.start), place, message });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn read(text: &str) -> Result<Plan, Vec<Problem>> {
        Plan::read(text, &["things", "others"])
    }

    fn plan(routes: &[&str]) -> Plan {
        let text: String = routes
            .iter()
            .enumerate()
            .map(|(number, route)| {
                format!("[[route]]\nname = \"r{number}\"\nservice = \"things\"\n{route}\n")
            })
            .collect();
        read(&text).unwrap()
    }

    fn meant(plan: &Plan, request: http::request::Builder) -> Option<String> {
        let place = plan.find(&request.body(Body::empty()).unwrap())?;
        Some(plan.routes[place].name.to_string())
    }

    #[test]
    fn the_narrowest_route_is_meant_whatever_the_order() {
        let plan = plan(&[
            "path = \"/{*rest}\"",
            "path = \"/a/{id}\"",
            "path = \"/a/b\"",
            "path = \"/a/b\"\nmethods = [\"POST\"]",
            "path = \"/a/b\"\nheaders = { x-beta = \"1\" }",
            "path = \"/{*rest}\"\nhost = \"shop.example\"",
            "path = \"/a/b\"\nquery = { v = \"2\" }\nmethods = [\"GET\"]",
        ]);
        for (request, name) in [
            (Request::get("/x"), "r0"),
            (Request::get("/a/7"), "r1"),
            (Request::get("/a/b"), "r2"),
            (Request::get("/a/b/c"), "r0"),
            (Request::post("/a/b"), "r3"),
            (Request::get("/a/b").header("x-beta", "1"), "r4"),
            (Request::get("/a/b").header("x-beta", "2"), "r2"),
            (Request::get("/a/b").header("host", "shop.example"), "r5"),
            (Request::get("/a/b?v=2"), "r6"),
            (Request::head("/a/b?x&v=2"), "r6"),
            (Request::get("/%61//b"), "r2"),
        ] {
            let described = format!("{request:?}");
            assert_eq!(meant(&plan, request).as_deref(), Some(name), "{described}");
        }
    }

    #[test]
    fn no_route_leads_inside_or_up() {
        let plan = plan(&["path = \"/{*rest}\""]);
        for path in [
            "/internal/v1/things/closed",
            "/%69nternal/v1/x",
            "//internal/v1/x",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a%2fb",
        ] {
            assert_eq!(meant(&plan, Request::get(path)), None, "{path}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        let problems = read(
            "[[route]]\nname = \"A\"\npath = \"a\"\n\n[[route]]\nname = \"b\"\npath = \"/b/{id}\"\nservice = \
             \"nobody\"\ntimeout_ms = 0\nlimits = [\"often\"]\nrewrite = \"/x/{other}\"\ncors = [\"*\"]\nmethods = \
             [\"TRACE\"]\n[[route]]\nname = \"b\"\npath = \"/b/{x}\"\nservice = \"things\"\nmethods = []\n",
        )
        .unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| (problem.line, problem.place.as_str())).collect();
        for expected in [
            (2, "route A: name"),
            (3, "route A: path"),
            (8, "route b: service"),
            (9, "route b: timeout_ms"),
            (10, "route b: limits"),
            (11, "route b: rewrite"),
            (12, "route b: cors"),
            (13, "route b: methods"),
            (15, "route b: name"),
        ] {
            assert!(told.contains(&expected), "{expected:?} in {told:?}");
        }
    }

    #[test]
    fn a_route_that_can_never_be_meant_is_told() {
        let text = "[[route]]\nname = \"a\"\npath = \"/a/{x}\"\nservice = \"things\"\n[[route]]\nname = \
                    \"b\"\npath = \"/a/{y}\"\nservice = \"others\"\n";
        let problems = read(text).unwrap_err();
        assert_eq!((problems.len(), problems[0].line), (1, 5));
        assert!(problems[0].message.contains("route a on line 1"), "{}", problems[0]);
    }

    #[test]
    fn a_client_does_not_choose_where_it_is_sent() {
        for (to, fine) in [
            ("/b/{rest}", true),
            ("https://shop.example/{rest}", true),
            ("/{rest}", false),
            ("//{rest}", false),
            ("https://{rest}", false),
            ("javascript:x", false),
        ] {
            let text =
                format!("[[route]]\nname = \"a\"\npath = \"/a/{{*rest}}\"\nredirect = {{ to = \"{to}\" }}\n");
            assert_eq!(read(&text).is_ok(), fine, "{to}");
        }
    }
}
