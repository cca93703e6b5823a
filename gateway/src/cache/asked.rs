//! What is asked for, as the cache sees it: the name that its answer is kept under, and on what terms it may be answered.

use super::control::{Control, secs};
use super::marks::{Marks, Name};
use super::policy::Who;
use super::spec::Rule;
use super::stored::{Conditions, Standing, Stored};
use axum::body::Body;
use chassis::clock::Ts;
use contract::ids::UserId;
use http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
    UPGRADE,
};
use http::{Method, Request};

/// Headers besides `Authorization` and `Cookie` by which somebody may be known.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who asks, as whoever let them in says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asker {
    /// The user that was proved.
    pub(crate) user: Option<UserId>,
    /// Whether anybody was proved at all, such as another service.
    pub(crate) is_known: bool,
    /// The place of the target that was picked for them, where it is not the route's own: what one says is not what another
    /// one says.
    pub(crate) side: Option<usize>,
}

/// What is asked for.
pub(super) struct Asked {
    /// Route and side, host, path, query, user and what the rule tells answers apart by; separated by what stands in none of
    /// them.
    pub(super) base: String,
    pub(super) is_head: bool,
    pub(super) who: Who,
    pub(super) conditions: Conditions,
    /// What the client wants; nothing when the rule does not obey.
    wants: Control,
    /// The cells of its path and address.
    pub(super) cells: [u32; 2],
}

impl Asked {
    /// Reads a request, and takes out of it what only concerns the client. `None` when it is none of the cache's business.
    pub(super) fn of(rule: &Rule, asker: Asker, marks: &Marks, request: &mut Request<Body>) -> Option<Self> {
        let headers = request.headers();
        let foreign = [RANGE, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, UPGRADE];
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read
            || foreign.iter().any(|name| headers.contains_key(name))
            || !http_body::Body::is_end_stream(request.body())
        {
            return None;
        }
        let shows = [AUTHORIZATION, X_API_KEY].iter().any(|name| headers.contains_key(name));
        let cookies = !rule.ignore_cookies && headers.contains_key(COOKIE);
        let who = match (asker.is_known || shows || cookies, rule.per_user, asker.user) {
            (false, _, _) => Who::Anybody,
            (true, true, Some(_)) => Who::User,
            // Somebody of whom nobody knows who it is: theirs cannot be kept apart.
            (true, true, None) => return None,
            (true, false, _) => Who::Somebody,
        };
        let wants = if rule.obey_clients { Control::of_request(headers) } else { Control::default() };
        if wants.no_store {
            return None;
        }
        let host = host(request);
        let path = request.uri().path();
        let cells = [marks.cell(Name::Path(path)), marks.cell(Name::Address(&host, path))];
        let mut base = String::with_capacity(rule.route.len() + host.len() + path.len() + 64);
        base.push_str(&rule.route);
        if let Some(side) = asker.side {
            base.push_str(&format!("/{side}"));
        }
        for part in ["\n", &host, "\n", path] {
            base.push_str(part);
        }
        if let Some(query) = request.uri().query() {
            base.push('?');
            base.push_str(query);
        }
        if let (Who::User, Some(user)) = (who, asker.user) {
            base.push('\n');
            base.push_str(&user.to_string());
        }
        vary(&mut base, &rule.vary, headers);
        let is_head = request.method() == Method::HEAD;
        let headers = request.headers_mut();
        if rule.ignore_cookies {
            headers.remove(COOKIE);
        }
        Some(Self { base, is_head, who, conditions: Conditions::take(headers), wants, cells })
    }

    /// Whether it is to come from here or not at all.
    pub(super) const fn only_if_cached(&self) -> bool {
        self.wants.only_if_cached
    }

    /// Whether somebody may be given what is kept for everybody.
    pub(super) fn may_have(&self, stored: &Stored) -> bool {
        self.who != Who::Somebody || stored.terms().shareable
    }

    /// How good an answer is for this client.
    pub(super) fn standing(&self, stored: &Stored, now: Ts) -> Standing {
        let wants = &self.wants;
        let older = wants.max_age.is_some_and(|most| stored.age(now) > secs(most));
        let left = stored.left(now).unwrap_or_default();
        let shorter = wants.min_fresh.is_some_and(|least| left < secs(least));
        match stored.standing(now) {
            _ if wants.no_cache || older || shorter => Standing::Over,
            // As old as the client will take it, and the origin and the rule allow.
            Standing::Over
                if stored.may_be_old(now)
                    && wants.max_stale.is_some_and(|most| stored.over(now) <= secs(most)) =>
            {
                Standing::Fresh
            }
            standing => standing,
        }
    }
}

/// The host that is asked, with its port, in one form.
pub(super) fn host(request: &Request<Body>) -> String {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let named = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    authority.or_else(named).unwrap_or_default().to_ascii_lowercase()
}

/// Adds to a name what these headers of a request say.
pub(super) fn vary(name: &mut String, by: &[HeaderName], headers: &HeaderMap) {
    for header in by {
        name.push('\n');
        for (at, line) in headers.get_all(header).iter().enumerate() {
            if at > 0 {
                name.push(',');
            }
            match line.to_str() {
                // Spaces mean nothing in the lists that these headers are, and neither do capitals in those about forms.
                Ok(text) if header.as_str().starts_with("accept") => {
                    let plain = text.chars().filter(|c| *c != ' ' && *c != '\t');
                    name.extend(plain.map(|c| c.to_ascii_lowercase()));
                }
                Ok(text) => name.push_str(text.trim()),
                Err(_) => line.as_bytes().iter().for_each(|byte| name.push_str(&format!("\u{7f}{byte:02x}"))),
            }
        }
    }
}
