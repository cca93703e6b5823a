//! When an incident opens and ends by itself, what it says then, and where one that a person leads may go.

use super::uptime::Found;
use chassis::clock::Ts;
use contract::status::{Impact, IncidentOrigin, IncidentStatus};
use std::time::Duration;

/// What an automatic incident is about when it is about no service.
pub const PLATFORM: &str = "platform";

/// Why there is an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What has shown it.
    pub origin: IncidentOrigin,
    /// How much does not work.
    pub impact: Impact,
    /// Since when.
    pub began: Ts,
    /// One line that everybody may read.
    pub title: String,
}

/// How a service was found lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lately {
    /// How.
    pub found: Found,
    /// Since when.
    pub since: Ts,
}

/// A critical alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// When that was heard.
    pub since: Ts,
    /// What everybody may be told.
    pub public_summary: Option<String>,
}

/// What there is to say about a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is a cause for an incident.
    Bad(Cause),
    /// There is none any more.
    Good,
    /// It is too early to say, or nobody knows.
    Open,
}

/// Judges a subject: `lately` is absent when nobody has looked lately, `watched` says whether anybody ever does.
#[must_use]
pub fn judge(
    subject: &str,
    lately: Option<Lately>,
    watched: bool,
    firing: Option<Firing>,
    after: Duration,
    now: Ts,
) -> Verdict {
    let found = lately.filter(|lately| now.since(lately.since) >= after);
    if let Some(Lately { found: found @ (Found::Down | Found::Degraded), since }) = found {
        let (impact, what) = match found {
            Found::Down => (Impact::Major, "does not answer"),
            Found::Degraded | Found::Operational => (Impact::Minor, "does not work as it should"),
        };
        let title = format!("{} {what}", capital(subject));
        let by_readiness = Cause { origin: IncidentOrigin::Readiness, impact, began: since, title };
        return Verdict::Bad(match firing {
            // The worse of the two.
            Some(firing) if impact < Impact::Major => by_alert(subject, firing),
            _ => by_readiness,
        });
    }
    match (firing, found) {
        (Some(firing), _) => Verdict::Bad(by_alert(subject, firing)),
        (None, Some(_)) => Verdict::Good,
        (None, None) if !watched => Verdict::Good,
        (None, None) => Verdict::Open,
    }
}

fn by_alert(subject: &str, firing: Firing) -> Cause {
    let plain = || match subject {
        PLATFORM => "There is a problem with the platform".to_owned(),
        service => format!("There is a problem with {service}"),
    };
    let title = firing.public_summary.unwrap_or_else(plain);
    Cause { origin: IncidentOrigin::Alert, impact: Impact::Major, began: firing.since, title }
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// What is said when an incident opens by itself.
pub const OPENED: &str = "This was noticed automatically. It is being looked into.";
/// What is said when it becomes worse.
pub const WORSE: &str = "It has become worse.";
/// What is said when it ends by itself.
pub const ENDED: &str = "It works again.";

/// What is said when a person changes where it stands without a word.
#[must_use]
pub const fn words_for(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Investigating => "It is being looked into.",
        IncidentStatus::Identified => "The cause is known.",
        IncidentStatus::Monitoring => "It was put right. It is being watched whether it stays so.",
        IncidentStatus::Resolved => "It is over.",
    }
}

/// Whether a person may move an incident. What is over stays over: what happens next has its own beginning.
#[must_use]
pub const fn may_become(now: IncidentStatus, then: IncidentStatus) -> bool {
    !matches!(now, IncidentStatus::Resolved) || matches!(then, IncidentStatus::Resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(60);

    fn lately(found: Found, since: i64) -> Option<Lately> {
        Some(Lately { found, since: Ts::from_secs(since) })
    }

    fn of(lately: Option<Lately>, firing: Option<Firing>) -> Verdict {
        judge("orders", lately, true, firing, AFTER, Ts::from_secs(1_000))
    }

    fn firing() -> Option<Firing> {
        Some(Firing { since: Ts::from_secs(900), public_summary: None })
    }

    #[test]
    fn a_moment_is_no_incident_and_a_minute_is() {
        assert_eq!(of(lately(Found::Down, 941), None), Verdict::Open);
        let Verdict::Bad(cause) = of(lately(Found::Down, 940), None) else { panic!("an incident") };
        assert_eq!((cause.impact, cause.title.as_str()), (Impact::Major, "Orders does not answer"));
        assert_eq!(cause.began, Ts::from_secs(940));
    }

    #[test]
    fn it_is_over_only_when_it_stays_well() {
        assert_eq!(of(lately(Found::Operational, 941), None), Verdict::Open);
        assert_eq!(of(lately(Found::Operational, 940), None), Verdict::Good);
    }

    #[test]
    fn while_nobody_looks_nothing_ends() {
        assert_eq!(of(None, None), Verdict::Open);
        // Nobody ever looks at the platform as such: there only alerts count.
        let platform = judge(PLATFORM, None, false, None, AFTER, Ts::from_secs(1_000));
        assert_eq!(platform, Verdict::Good);
    }

    #[test]
    fn an_alert_counts_at_once_and_also_where_readiness_says_nothing() {
        for lately in [None, lately(Found::Operational, 0), lately(Found::Degraded, 0)] {
            let Verdict::Bad(cause) = of(lately, firing()) else { panic!("an incident") };
            assert_eq!((cause.origin, cause.impact), (IncidentOrigin::Alert, Impact::Major));
            assert_eq!(cause.title, "There is a problem with orders");
        }
        let Verdict::Bad(cause) = of(lately(Found::Down, 0), firing()) else { panic!("an incident") };
        assert_eq!(cause.origin, IncidentOrigin::Readiness);
    }

    #[test]
    fn what_is_over_stays_over() {
        for status in IncidentStatus::ALL {
            assert!(may_become(IncidentStatus::Investigating, *status));
            assert_eq!(may_become(IncidentStatus::Resolved, *status), *status == IncidentStatus::Resolved);
        }
    }
}
