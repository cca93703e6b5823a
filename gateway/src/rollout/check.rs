//! What of a route's splitting makes sense, beside the rest of the route and of the file.

use super::Split;
use super::spec::{VariantSpec, check_variants};
use crate::table::RouteSpec;

/// Tells everything that is wrong. `is_upstream` and `is_service` say what there is.
pub(crate) fn check(
    spec: &RouteSpec,
    is_upstream: impl Fn(&str) -> bool,
    is_service: impl Fn(&str) -> bool,
    say: &mut dyn FnMut(&str, String),
) {
    let mut tell = |part: &str, wrong: Vec<(String, String)>| {
        for (field, message) in wrong {
            let field = if field.is_empty() { part.to_owned() } else { format!("{part}.{field}") };
            say(&field, message);
        }
    };
    let there = |name: &str| match is_upstream(name) || is_service(name) {
        true => None,
        false => Some((
            "to".to_owned(),
            format!("there is neither [upstream.{name}] in the file nor a service `{name}`"),
        )),
    };
    if let Some(rollout) = &spec.rollout {
        let mut wrong = rollout.check();
        wrong.extend(there(&rollout.to));
        // Where both have the name, the upstream is meant.
        let own = if is_upstream(&rollout.to) { &spec.upstream } else { &spec.service };
        if own.as_ref() == Some(&rollout.to) {
            wrong.push(("to".to_owned(), "is where the route leads anyway".to_owned()));
        }
        if !spec.variants.is_empty() {
            wrong.push((String::new(), "cannot stand beside `variants`: both choose the target".to_owned()));
        }
        tell("rollout", wrong);
    }
    if !spec.variants.is_empty() {
        let mut wrong = check_variants(&spec.variants);
        wrong.extend(spec.variants.iter().filter_map(|variant| there(&variant.to)));
        tell("variants", wrong);
    }
    if let Some(mirror) = &spec.mirror {
        let mut wrong = mirror.check();
        if !is_upstream(&mirror.to) {
            let message =
                format!("there is no [upstream.{}] in the file; a service takes no copies", mirror.to);
            wrong.push(("to".to_owned(), message));
        }
        tell("mirror", wrong);
    }
    if spec.redirect.is_some() {
        for (part, is) in [
            ("rollout", spec.rollout.is_some()),
            ("variants", !spec.variants.is_empty()),
            ("mirror", spec.mirror.is_some()),
        ] {
            if is {
                say(part, "has no meaning here: nothing is asked behind this route".to_owned());
            }
        }
    }
}

/// Whether a route sends anything to this upstream.
pub(crate) fn leads_to(spec: &RouteSpec, upstream: &str) -> bool {
    let mirror = spec.mirror.as_ref().map(|mirror| mirror.to.as_str());
    let parts = spec.aggregate.iter().flat_map(|aggregate| &aggregate.parts);
    let parts = parts.filter_map(|part| part.upstream.as_deref());
    let mut all = Split::targets(spec).into_iter().chain(spec.upstream.as_deref()).chain(mirror).chain(parts);
    all.any(|name| name == upstream)
}

/// Whether requests of a route may be answered by an upstream.
pub(crate) fn upstream(spec: &RouteSpec, is_upstream: impl Fn(&str) -> bool) -> bool {
    spec.upstream.is_some() || Split::targets(spec).into_iter().any(is_upstream)
}

/// What a route says of it, in words, by the part that says so.
pub(crate) fn described(spec: &RouteSpec) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(rollout) = &spec.rollout {
        let much = match rollout.percent {
            Some(percent) => format!("{percent} %"),
            None if rollout.steps.is_empty() => "who asks for it".to_owned(),
            None => format!("in steps of {:?} %", rollout.steps),
        };
        all.push(("rollout", format!("{much} to {}", rollout.to)));
    }
    if !spec.variants.is_empty() {
        let variant = |one: &VariantSpec| format!("{} to {} with weight {}", one.name, one.to, one.weight);
        all.push(("variants", spec.variants.iter().map(variant).collect::<Vec<_>>().join(", ")));
    }
    if let Some(mirror) = &spec.mirror {
        all.push(("mirror", format!("copies of {} % to {}", mirror.percent, mirror.to)));
    }
    all
}
