//! The policies that hold for one request, each with whose count it belongs to.

use super::{Policy, subject};
use crate::http::RequestContext;
use crate::state::Limit;
use axum::body::Body;
use http::Request;
use smallvec::SmallVec;

/// A policy for which an access token, and nothing else, says who asks.
pub(super) const fn by_token<'c>(policy: &Policy) -> (&Policy, Option<&'c str>) {
    (policy, None)
}

/// Hardly a request has more policies.
const FEW: usize = 4;

/// They, in the order in which they are told. The names stand one after another in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    subjects: String,
    /// Each with where its subject ends.
    policies: SmallVec<[(usize, &'a Policy); FEW]>,
}

impl<'a> Asked<'a> {
    /// Those of these policies that count the request. With each comes who asks when something else than an access token has
    /// proved it.
    pub(super) fn of<'c>(
        policies: impl Iterator<Item = (&'a Policy, Option<&'c str>)>,
        cx: &RequestContext,
        request: &Request<Body>,
    ) -> Self {
        let mut asked = Self::default();
        for (policy, caller) in policies {
            let before = asked.subjects.len();
            match subject::write(policy.quota.by, caller, cx, request, &mut asked.subjects) {
                Some(()) => asked.policies.push((asked.subjects.len(), policy)),
                None => asked.subjects.truncate(before),
            }
        }
        asked
    }

    pub(super) fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    pub(super) fn policies(&self) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().map(|(_, policy)| *policy)
    }

    /// As the state is asked for them.
    pub(super) fn windows(&self) -> SmallVec<[(&str, &'a Limit); FEW]> {
        let mut begin = 0;
        let window = |(end, policy): &(usize, &'a Policy)| {
            let subject = self.subjects.get(begin..*end).unwrap_or_default();
            begin = *end;
            (subject, &policy.limit)
        };
        self.policies.iter().map(window).collect()
    }
}
