//! Which side of a roll-out a request goes to, and why.

use super::share::{Point, Row, Share};
use super::spec::{By, RolloutSpec, VariantSpec};
use crate::upstream::cookie;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::net::IpAddr;
use uuid::Uuid;

/// How long a browser keeps what the door assigned to it: a year.
const KEPT_SECS: u32 = 31_536_000;
/// What is longer was not assigned by a door.
const LONGEST: usize = 128;
/// What a cookie says to choose a side.
const CANARY: &str = "canary";
const STABLE: &str = "stable";

/// Whose request it is.
#[derive(Debug, Clone)]
pub(crate) struct Asker<'a> {
    pub(crate) ip: IpAddr,
    /// A user, or an API key.
    pub(crate) who: Option<Vec<u8>>,
    pub(crate) secure: bool,
    pub(crate) headers: &'a HeaderMap,
}

/// A side of a roll-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Stable,
    Canary,
}

impl Side {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => STABLE,
            Self::Canary => CANARY,
        }
    }

    /// The place of its target among those that are not the route's own.
    pub(super) const fn place(self) -> Option<usize> {
        match self {
            Self::Stable => None,
            Self::Canary => Some(0),
        }
    }
}

/// Why a request goes to a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Header,
    Cookie,
    Share(By, Share),
}

impl Why {
    /// Whether who asks did not choose: only those requests say something about all others.
    pub(crate) fn is_sample(self) -> bool {
        matches!(self, Self::Share(..))
    }
}

/// What was chosen.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) side: Side,
    pub(crate) why: Why,
    /// What the browser is given, so that it comes to the same side again.
    pub(crate) assigned: Option<HeaderValue>,
}

/// How a roll-out chooses.
#[derive(Debug)]
pub(crate) struct Chooser {
    salt: Box<[u8]>,
    header: Option<(HeaderName, Option<HeaderValue>)>,
    cookie: Option<Box<str>>,
    by: By,
    row: Row,
}

impl Chooser {
    /// That of a spec that was checked. Another target has other people begin.
    pub(crate) fn new(route: &str, spec: &RolloutSpec) -> Self {
        let header = spec.header.as_ref().and_then(|header| {
            let name = header.name.parse().ok()?;
            let value = (header.value != "*").then(|| HeaderValue::from_str(&header.value).ok());
            Some((name, value.flatten()))
        });
        Self {
            salt: format!("{route}\0{}", spec.to).into_bytes().into(),
            header,
            cookie: spec.cookie.as_deref().map(Into::into),
            by: spec.by,
            row: Row::default(),
        }
    }

    /// Chooses. `is_open` says whether a cookie is heard that asks for the canary.
    pub(crate) fn choose(&self, asker: &Asker<'_>, share: Share, is_open: bool) -> Choice {
        let mut assigned = None;
        let (side, why) = self.asked_for(asker, is_open).unwrap_or_else(|| {
            let point = match self.by {
                By::Request => self.row.next(),
                By::Cookie => match self.carried(asker) {
                    Some(id) => Point::of(&self.salt, id.as_bytes()),
                    None => {
                        let id = Uuid::new_v4().simple().to_string();
                        assigned = self.assign(&id, asker.secure);
                        Point::of(&self.salt, id.as_bytes())
                    }
                },
                By::User | By::Ip => self.point(asker),
            };
            (side_of(share, point), Why::Share(self.by, share))
        });
        Choice { side, why, assigned }
    }

    /// What it would choose, in words, and the side where it is certain; nothing is counted or assigned.
    pub(crate) fn look(&self, asker: &Asker<'_>, share: Share, is_open: bool) -> (Option<Side>, String) {
        let (side, why) = match (self.asked_for(asker, is_open), self.by) {
            (Some(chosen), _) => chosen,
            (None, By::User | By::Ip) => (side_of(share, self.point(asker)), Why::Share(self.by, share)),
            (None, By::Cookie) => match self.carried(asker) {
                Some(id) => {
                    (side_of(share, Point::of(&self.salt, id.as_bytes())), Why::Share(By::Cookie, share))
                }
                None => {
                    return (None, format!("a side is assigned by cookie; {} % are canary", share.percent()));
                }
            },
            (None, By::Request) => {
                return (None, format!("each request by itself; {} % are canary", share.percent()));
            }
        };
        (Some(side), format!("{}: {why}", side.as_str()))
    }

    /// The side that a request asks for itself.
    fn asked_for(&self, asker: &Asker<'_>, is_open: bool) -> Option<(Side, Why)> {
        if let Some((name, wanted)) = &self.header {
            let is = |value: &HeaderValue| wanted.as_ref().is_none_or(|wanted| wanted == value);
            if asker.headers.get_all(name).iter().any(is) {
                return Some((Side::Canary, Why::Header));
            }
        }
        match cookie(asker.headers, self.cookie.as_deref()?)? {
            CANARY if is_open => Some((Side::Canary, Why::Cookie)),
            CANARY | STABLE => Some((Side::Stable, Why::Cookie)),
            _ => None,
        }
    }

    fn point(&self, asker: &Asker<'_>) -> Point {
        stands(&self.salt, asker.who.as_deref().filter(|_| self.by == By::User), asker.ip)
    }

    /// What the door assigned before.
    fn carried<'a>(&self, asker: &Asker<'a>) -> Option<&'a str> {
        cookie(asker.headers, self.cookie.as_deref()?).filter(|id| (1..=LONGEST).contains(&id.len()))
    }

    fn assign(&self, id: &str, secure: bool) -> Option<HeaderValue> {
        let name = self.cookie.as_deref()?;
        let secure = if secure { "; Secure" } else { "" };
        let text = format!("{name}={id}; Path=/; Max-Age={KEPT_SECS}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }
}

fn side_of(share: Share, point: Point) -> Side {
    if share.has(point) { Side::Canary } else { Side::Stable }
}

/// Where somebody stands: by who it is, else by address.
fn stands(salt: &[u8], who: Option<&[u8]>, ip: IpAddr) -> Point {
    match (who, ip) {
        (Some(who), _) => Point::of(salt, who),
        (None, IpAddr::V4(ip)) => Point::of(salt, &ip.octets()),
        // An IPv6 network is one client's, who may take any address of it.
        (None, IpAddr::V6(ip)) => Point::of(salt, &ip.octets()[..8]),
    }
}

/// Variants that share a route's requests.
#[derive(Debug)]
pub(crate) struct Variants {
    salt: Box<[u8]>,
    names: Vec<Box<str>>,
    weights: Vec<u32>,
}

impl Variants {
    pub(crate) fn new(route: &str, specs: &[VariantSpec]) -> Self {
        Self {
            salt: format!("{route}\0variants").into_bytes().into(),
            names: specs.iter().map(|spec| spec.name.as_str().into()).collect(),
            weights: specs.iter().map(|spec| spec.weight).collect(),
        }
    }

    /// The place of the variant that somebody sees.
    pub(crate) fn choose(&self, asker: &Asker<'_>) -> usize {
        stands(&self.salt, asker.who.as_deref(), asker.ip).among(&self.weights)
    }

    /// The same, in words, too.
    pub(crate) fn look(&self, asker: &Asker<'_>) -> (usize, String) {
        let place = self.choose(asker);
        let by = if asker.who.is_some() { "who asks" } else { "address" };
        (place, format!("variant {}, by {by}", self.names.get(place).map_or("", |name| name)))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("its header asks for it"),
            Self::Cookie => f.write_str("its cookie says so"),
            Self::Share(by, share) => {
                let by = match by {
                    By::User => "who asks",
                    By::Ip => "address",
                    By::Cookie => "cookie",
                    By::Request => "request",
                };
                write!(f, "{} % are canary, by {by}", share.percent())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;

    fn chooser(more: &str) -> Chooser {
        Chooser::new("shop", &toml::from_str(&format!("to = 'v2'\n{more}")).unwrap())
    }

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn asker(headers: &HeaderMap, who: Option<Uuid>) -> Asker<'_> {
        let who = who.map(|who| who.as_bytes().to_vec());
        Asker { ip: [192, 0, 2, 1].into(), who, secure: true, headers }
    }

    fn side(chooser: &Chooser, sent: &[(&'static str, &'static str)], percent: f64) -> (Side, Why) {
        let headers = headers(sent);
        let choice = chooser.choose(&asker(&headers, None), Share::of(percent).unwrap(), percent > 0.0);
        (choice.side, choice.why)
    }

    #[test]
    fn header_and_cookie_choose_before_the_share_does() {
        let chooser = chooser("percent = 5\nheader = { name = 'x-canary', value = '1' }\ncookie = 'side'");
        for (sent, percent, expected) in [
            (&[("x-canary", "1")][..], 0.0, (Side::Canary, Why::Header)),
            (&[("x-canary", "1"), ("cookie", "side=stable")], 0.0, (Side::Canary, Why::Header)),
            (&[("cookie", "a=b; side=canary")], 1.0, (Side::Canary, Why::Cookie)),
            (&[("cookie", "side=stable")], 100.0, (Side::Stable, Why::Cookie)),
            // Where it went back, the header alone is heard: a cookie stays in a browser.
            (&[("cookie", "side=canary")], 0.0, (Side::Stable, Why::Cookie)),
        ] {
            assert_eq!(side(&chooser, sent, percent), expected, "{sent:?} {percent}");
        }
        for sent in [&[("x-canary", "2")][..], &[("cookie", "side=x")], &[]] {
            assert!(side(&chooser, sent, 100.0).1.is_sample(), "{sent:?}");
        }
    }

    #[test]
    fn a_user_stays_on_a_side_from_everywhere_while_the_share_grows() {
        let chooser = chooser("percent = 5");
        let none = HeaderMap::new();
        let mut taken = 0;
        for _ in 0..2_000 {
            let mut asker = asker(&none, Some(Uuid::new_v4()));
            let at =
                |asker: &Asker<'_>, percent| chooser.choose(asker, Share::of(percent).unwrap(), true).side;
            let early = at(&asker, 5.0);
            asker.ip = [198, 51, 100, 7].into();
            assert_eq!(at(&asker, 5.0), early);
            if early == Side::Canary {
                taken += 1;
                assert_eq!((at(&asker, 10.0), at(&asker, 100.0)), (Side::Canary, Side::Canary));
            }
        }
        // Five standard deviations around a hundred.
        assert!((51..=149).contains(&taken), "{taken}");
    }

    #[test]
    fn by_address_it_does_not_matter_who_asks() {
        let chooser = chooser("percent = 50\nby = 'ip'");
        let none = HeaderMap::new();
        let half = Share::of(50.0).unwrap();
        let alone = chooser.choose(&asker(&none, None), half, true).side;
        for _ in 0..50 {
            assert_eq!(chooser.choose(&asker(&none, Some(Uuid::new_v4())), half, true).side, alone);
        }
    }

    #[test]
    fn a_browser_is_assigned_a_side_once() {
        let chooser = chooser("percent = 50\nby = 'cookie'\ncookie = 'side'");
        let half = Share::of(50.0).unwrap();
        for _ in 0..20 {
            let mut sent = HeaderMap::new();
            let first = chooser.choose(&asker(&sent, None), half, true);
            let given = first.assigned.unwrap();
            let given = given.to_str().unwrap();
            assert!(given.ends_with("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"), "{given}");
            let pair = given.split(';').next().unwrap();
            sent.insert(COOKIE, HeaderValue::from_str(pair).unwrap());
            for _ in 0..3 {
                let again = chooser.choose(&asker(&sent, Some(Uuid::new_v4())), half, true);
                assert_eq!((again.side, again.assigned), (first.side, None));
            }
        }
    }

    #[test]
    fn what_is_explained_is_what_is_chosen() {
        let none = HeaderMap::new();
        let chooser = chooser("percent = 50");
        for _ in 0..50 {
            let asker = asker(&none, Some(Uuid::new_v4()));
            let half = Share::of(50.0).unwrap();
            let (chosen, told) = (chooser.choose(&asker, half, true), chooser.look(&asker, half, true));
            let words = format!("{}: 50 % are canary, by who asks", chosen.side.as_str());
            assert_eq!(told, (Some(chosen.side), words));
        }
    }

    #[test]
    fn variants_are_shared_out_by_weight_and_stay() {
        let specs = ["a", "b"].map(|name| VariantSpec { name: name.into(), to: "x".into(), weight: 1 });
        let variants = Variants::new("shop", &specs);
        let none = HeaderMap::new();
        let mut seen = [0; 2];
        for _ in 0..2_000 {
            let asker = asker(&none, Some(Uuid::new_v4()));
            let place = variants.choose(&asker);
            assert_eq!(variants.choose(&asker), place);
            seen[place] += 1;
        }
        assert!(seen[0] > 850 && seen[1] > 850, "{seen:?}");
    }
}
