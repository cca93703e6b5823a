//! What is kept of an alert as it is sent: bounded, and without what a terminal or a database would stumble over.

use aws_lc_rs::digest;
use chassis::clock::Ts;
use contract::status::{AlertStatus, SentAlert, SentStatus, Severity};
use std::collections::BTreeMap;
use std::time::Duration;

const LABELS: usize = 64;
const NAME_CHARS: usize = 128;
const VALUE_CHARS: usize = 512;
const TEXT_CHARS: usize = 4_000;
/// What is said to everybody has the length of a title.
const PUBLIC_CHARS: usize = 150;
const FINGERPRINT_CHARS: usize = 64;
/// A sender's clock may be so far ahead; beyond that a beginning would outlast every later one.
const AHEAD: Duration = Duration::from_secs(86_400);
/// The annotation that may be shown to everybody. No other one is.
const PUBLIC: &str = "public_summary";

/// An alert as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The hash of its labels.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// The service that it is about.
    pub service: Option<String>,
    /// In one line.
    pub summary: Option<String>,
    /// In more.
    pub description: Option<String>,
    /// What everybody may be told.
    pub public_summary: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it fires.
    pub status: AlertStatus,
    /// Since when it fires.
    pub starts_at: Ts,
    /// When it ended; there exactly when it does not fire.
    pub ends_at: Option<Ts>,
}

impl Told {
    /// What is kept of an alert that comes now. `services` are the names of those that there are.
    #[must_use]
    pub fn of(sent: SentAlert, services: &[&'static str], now: Ts) -> Self {
        let SentAlert { status, labels, annotations, starts_at, ends_at, fingerprint } = sent;
        let fingerprint = match clean(&fingerprint, FINGERPRINT_CHARS) {
            given if given.is_empty() => hash(&labels),
            given => given,
        };
        let label = |name: &str| labels.get(name).map(String::as_str);
        let named = ["service", "job"].into_iter().filter_map(label);
        let service = named.filter_map(|name| services.iter().find(|known| **known == name)).next();
        let text = |name: &str, chars| {
            annotations.get(name).map(|text| clean(text, chars)).filter(|text| !text.is_empty())
        };
        let starts_at = bounded(Ts::from_datetime(starts_at), now);
        Self {
            fingerprint,
            name: label("alertname").map_or_else(|| "unnamed".to_owned(), |name| clean(name, NAME_CHARS)),
            severity: severity(label("severity")),
            service: service.map(|name| (*name).to_owned()),
            summary: text("summary", TEXT_CHARS),
            description: text("description", TEXT_CHARS),
            public_summary: text(PUBLIC, PUBLIC_CHARS),
            status: if status == SentStatus::Firing { AlertStatus::Firing } else { AlertStatus::Resolved },
            starts_at,
            ends_at: (status == SentStatus::Resolved).then(|| {
                let told = ends_at.map_or(now, |end| bounded(Ts::from_datetime(end), now));
                told.max(starts_at)
            }),
            labels: labels
                .iter()
                .take(LABELS)
                .map(|(name, value)| (clean(name, NAME_CHARS), clean(value, VALUE_CHARS)))
                .collect(),
        }
    }

    /// In which order alerts of one notification are taken: two notifications at once hold the same alerts in the same order.
    #[must_use]
    pub fn order(&self) -> (&str, Ts, AlertStatus) {
        (&self.fingerprint, self.starts_at, self.status)
    }
}

fn severity(label: Option<&str>) -> Severity {
    match label.map(str::to_ascii_lowercase).as_deref() {
        Some("critical" | "page" | "emergency") => Severity::Critical,
        Some("info" | "information" | "none") => Severity::Info,
        _ => Severity::Warning,
    }
}

/// A time that a database holds, and that lies not far ahead.
fn bounded(told: Ts, now: Ts) -> Ts {
    told.clamp(Ts::from_secs(0), now + AHEAD)
}

/// At most so many characters, none of which is a control character.
fn clean(text: &str, chars: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim();
    let mut kept: String = plain.chars().take(chars).collect();
    if plain.chars().nth(chars).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

fn hash(labels: &BTreeMap<String, String>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for (name, value) in labels {
        for part in [name, value] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    hex::encode(&context.finish().as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn sent(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> SentAlert {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        SentAlert {
            status: SentStatus::Firing,
            labels: map(labels),
            annotations: map(annotations),
            starts_at: OffsetDateTime::UNIX_EPOCH,
            ends_at: None,
            fingerprint: String::new(),
        }
    }

    fn told(sent: SentAlert) -> Told {
        Told::of(sent, &["orders", "payments"], Ts::from_secs(1_000))
    }

    #[test]
    fn a_severity_that_nobody_knows_is_a_warning() {
        for (label, severity) in
            [("critical", Severity::Critical), ("CRITICAL", Severity::Critical), ("none", Severity::Info)]
        {
            assert_eq!(told(sent(&[("severity", label)], &[])).severity, severity);
        }
        assert_eq!(told(sent(&[("severity", "purple")], &[])).severity, Severity::Warning);
        assert_eq!(told(sent(&[], &[])).severity, Severity::Warning);
    }

    #[test]
    fn only_a_service_that_exists_is_one() {
        assert_eq!(
            told(sent(&[("job", "node"), ("service", "orders")], &[])).service.as_deref(),
            Some("orders")
        );
        assert_eq!(told(sent(&[("job", "payments")], &[])).service.as_deref(), Some("payments"));
        assert_eq!(told(sent(&[("service", "<script>")], &[])).service, None);
    }

    #[test]
    fn without_a_fingerprint_the_labels_make_one() {
        let one = told(sent(&[("a", "bc")], &[])).fingerprint;
        assert_eq!(one, told(sent(&[("a", "bc")], &[("summary", "x")])).fingerprint);
        assert_ne!(one, told(sent(&[("ab", "c")], &[])).fingerprint);
        assert_eq!(one.len(), 16);
    }

    #[test]
    fn what_is_kept_is_bounded_and_plain() {
        let many: Vec<(String, String)> = (0..200).map(|i| (format!("l{i}"), "x".repeat(9_000))).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
        let kept = told(sent(&many, &[("summary", "a\0b\u{1b}[2Jc"), (PUBLIC, &"ß".repeat(1_000))]));
        assert_eq!(kept.labels.len(), LABELS);
        assert!(kept.labels.values().all(|value| value.chars().count() == VALUE_CHARS));
        assert_eq!(kept.summary.as_deref(), Some("a b [2Jc"));
        assert_eq!(kept.public_summary.map(|text| text.chars().count()), Some(PUBLIC_CHARS));
    }

    #[test]
    fn no_other_annotation_is_for_everybody() {
        let kept =
            told(sent(&[("service", "orders")], &[("summary", "10.0.0.7 is down"), ("description", "x")]));
        assert_eq!(kept.public_summary, None);
    }

    #[test]
    fn a_beginning_lies_not_far_ahead_and_an_end_not_before_it() {
        let now = Ts::from_secs(1_000);
        let mut far = sent(&[], &[]);
        far.starts_at = now.to_datetime() + time::Duration::days(4_000);
        far.status = SentStatus::Resolved;
        far.ends_at = Some(OffsetDateTime::UNIX_EPOCH);
        let kept = told(far);
        assert_eq!(kept.starts_at, now + AHEAD);
        assert_eq!(kept.ends_at, Some(kept.starts_at));
    }
}
