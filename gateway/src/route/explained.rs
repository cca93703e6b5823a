//! What a live route says of a request, for a person who wants to know.

use super::parted::head_of;
use super::{Route, Target, plainly};
use crate::access::Admitted;
use crate::cache::Asker;
use crate::explain::Verdicts;
use crate::upstream::{LookInstance, Upstream};
use axum::body::Body;
use chassis::http::RequestContext;
use chassis::limits::Left;
use http::Request;

impl Route {
    /// What its layers say of a request because they are live: who asks, what is left of limits, where it goes, what is kept of
    /// that, how the upstream there is.
    pub(crate) async fn explain(
        &self,
        verdicts: &mut Verdicts<'_>,
        cx: &RequestContext,
        request: &mut Request<Body>,
    ) {
        let (said, admitted) = self.access.look(&self.ground.guards, cx, request).await;
        for verdict in said {
            let passes = if verdict.passes { "lets through" } else { "refuses" };
            verdicts.say("access", "access", format!("{} {passes}: {}", verdict.rule, verdict.why));
        }
        match self.ground.limits.look(&self.limits, cx, request).await {
            Ok(all) => {
                for Left { name, quota, remaining } in all {
                    let left = remaining.map_or("not counted".to_owned(), |left| format!("{left} left"));
                    verdicts.say("limits", "limits", format!("{name}, {quota}: {left}"));
                }
            }
            Err(error) => {
                verdicts.say("limits", "limits", format!("nobody can tell now: {}", error.message()))
            }
        }
        let admitted = admitted.as_ref();
        let places = match &self.parted {
            Some(parted) => parted.look(verdicts, cx, admitted, request.headers()),
            None => vec![None],
        };
        for place in places {
            if let Some(admitted) = admitted {
                self.look_at_kept(verdicts, place, cx, admitted, request);
            }
            let other = self.parted.as_ref().and_then(|parted| Some((parted.target(place)?, parted.part())));
            if let (Target::Upstream(upstream, _), part) = other.unwrap_or((&self.target, "upstream")) {
                self.look_at(verdicts, (upstream, part), cx, admitted, request);
            }
        }
    }

    /// What is kept of the answers of the target at this place.
    fn look_at_kept(
        &self,
        verdicts: &mut Verdicts<'_>,
        place: Option<usize>,
        cx: &RequestContext,
        admitted: &Admitted,
        request: &Request<Body>,
    ) {
        let Some(rule) = &self.cache else { return };
        let mut head = head_of(request);
        if plainly(&mut head).is_ok() {
            let asker = Asker { side: place, ..admitted.asker(cx) };
            let look = self.ground.cache.look(rule, asker, head.map(|()| Body::empty()));
            verdicts.say("kept", "cache", look.to_string());
        }
    }

    /// How an upstream is that would be asked, and which of its instances would be.
    fn look_at(
        &self,
        verdicts: &mut Verdicts<'_>,
        (upstream, part): (&Upstream, &'static str),
        cx: &RequestContext,
        admitted: Option<&Admitted>,
        request: &Request<Body>,
    ) {
        // What an instance is chosen by is the request as it is sent.
        let sent = admitted.and_then(|admitted| self.copy_of(request, cx, admitted).ok());
        let look = upstream.look(&self.how(upstream, cx, &sent.unwrap_or_else(|| head_of(request))));
        let taken = look.taken.as_deref().unwrap_or("nobody");
        verdicts.say("upstream", part, format!("{}: {taken} would be asked: {}", look.upstream, look.why));
        for instance in look.instances {
            let LookInstance { url, state, in_flight, connections, latency_ms, .. } = instance;
            let says =
                format!("{url} is {state}: {in_flight} in flight, {connections} open, {latency_ms} ms");
            verdicts.say("instance", part, says);
        }
    }
}
