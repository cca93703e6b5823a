//! The public page as HTML: one answer with its style in it, no script, no image, nothing from elsewhere.
//!
//! What must hold: every text that a person or a program has written goes through [`Text`], which leaves no character that
//! means something to HTML; and the policy of the page ([`policy`]) allows its own style, by its hash, and nothing else. So
//! what gets past the one is stopped by the other.

mod bars;
mod text;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chassis::clock::Ts;
use contract::page::Success;
use contract::status::{
    Impact, IncidentStatus, Overall, PublicIncident, ServiceState, ServiceStatus, StatusPage, Uptime,
};
use std::fmt::Write as _;
use text::Text;
use time::OffsetDateTime;

const STYLE: &str = include_str!("style.css");

/// What a browser may do with the page.
pub(crate) fn policy() -> String {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// How the platform is, written out for everybody who asks.
pub(crate) struct Shown {
    /// The answer in JSON.
    pub(crate) json: Bytes,
    /// The page.
    pub(crate) html: Bytes,
    /// What tells this state of the platform from another one.
    pub(crate) version: String,
}

impl Shown {
    /// Writes it.
    ///
    /// # Errors
    /// When it has no form in JSON.
    pub(crate) fn new(page: StatusPage, title: &str, now: Ts) -> Result<Self, serde_json::Error> {
        let html = render(&page, title, now);
        let answer = Success { success: true, data: page, message: None, pagination: None };
        let json = serde_json::to_vec(&answer)?;
        let hash = digest::digest(&digest::SHA256, &json);
        let version = hex::encode(&hash.as_ref()[..12]);
        Ok(Self { json: json.into(), html: html.into(), version })
    }
}

/// The page.
fn render(page: &StatusPage, title: &str, now: Ts) -> String {
    let mut out = String::with_capacity(32 * 1024);
    // Writing into a text does not fail.
    write(&mut out, page, title, now).unwrap_or_default();
    out
}

fn write(out: &mut String, page: &StatusPage, title: &str, now: Ts) -> std::fmt::Result {
    let title = Text(title);
    let (class, sentence) = overall(page.overall);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{sentence} · {title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"60\"><style>{STYLE}</style></head><body><main>\
         <h1>{title}: status</h1><p class=\"banner {class}\" role=\"status\">{sentence}</p>"
    )?;
    if !page.incidents.open.is_empty() {
        out.push_str("<h2>What happens now</h2>");
        page.incidents.open.iter().try_for_each(|it| incident(out, it))?;
    }
    out.push_str("<h2>Services</h2><ul>");
    page.services.iter().try_for_each(|it| service(out, it, now))?;
    out.push_str("</ul>");
    if page.services.is_empty() {
        out.push_str("<p class=\"soft\">No service is watched.</p>");
    }
    out.push_str("<h2>The last 14 days</h2>");
    if page.incidents.recent.is_empty() {
        out.push_str("<p class=\"soft\">No incident has ended in this time.</p>");
    }
    page.incidents.recent.iter().try_for_each(|it| incident(out, it))?;
    out.push_str("<footer class=\"soft\"><h2>About this page</h2><p>");
    match page.checked_at {
        Some(at) => write!(out, "The services were last asked at {}. ", time(at))?,
        None => out.push_str("Nobody has asked the services yet. "),
    }
    out.push_str(
        "Uptime counts the time in which a service said that it was ready, of the time in which it was asked. Time in which \
         nobody asked is neither up nor down. The page loads itself again every minute. \
         <a href=\"/api/v1/status\">The same as JSON</a></p></footer></main></body></html>",
    );
    Ok(())
}

const fn overall(overall: Overall) -> (&'static str, &'static str) {
    match overall {
        Overall::Operational => ("good", "Everything works"),
        Overall::Unknown => ("none", "It is not known how the platform is"),
        Overall::Degraded => ("slow", "Something does not work as it should"),
        Overall::PartialOutage => ("bad", "A part of the platform does not work"),
        Overall::MajorOutage => ("bad", "Most of the platform does not work"),
    }
}

const fn state(state: ServiceState) -> (&'static str, &'static str) {
    match state {
        ServiceState::Operational => ("good", "Works"),
        ServiceState::Degraded => ("slow", "Impaired"),
        ServiceState::Down => ("bad", "Does not answer"),
        ServiceState::Unknown => ("none", "Not known"),
    }
}

fn service(out: &mut String, service: &ServiceStatus, now: Ts) -> std::fmt::Result {
    let (class, word) = state(service.state);
    let (name, about) = (Text(&service.name), Text(&service.about));
    write!(
        out,
        "<li class=\"service\"><div class=\"head\"><h3>{name}</h3><span class=\"state {class}\">{word}</span></div>\
         <p class=\"soft\">{about}</p>"
    )?;
    let quarter = uptime(&service.uptime.quarter);
    write!(
        out,
        "<svg viewBox=\"0 0 90 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"90 days: {quarter}\">"
    )?;
    bars::write(out, &service.days, now)?;
    write!(
        out,
        "</svg><p class=\"soft spans\"><span>24 hours: {}</span><span>7 days: {}</span><span>90 days: {quarter}</span></p></li>",
        uptime(&service.uptime.day),
        uptime(&service.uptime.week)
    )
}

fn uptime(uptime: &Uptime) -> String {
    match uptime.percent {
        None => "not known".to_owned(),
        Some(percent) if uptime.known_percent >= 99.0 => format!("{percent:.2} %"),
        Some(percent) => format!("{percent:.2} % (known for {:.2} %)", uptime.known_percent),
    }
}

fn incident(out: &mut String, incident: &PublicIncident) -> std::fmt::Result {
    let class = match (incident.status, incident.impact) {
        (IncidentStatus::Resolved, _) => "good",
        (_, Impact::Minor) => "slow",
        (_, Impact::Major | Impact::Critical) => "bad",
    };
    let (title, stage) = (Text(&incident.title), stage(incident.status));
    write!(
        out,
        "<article class=\"incident\"><div class=\"head\"><h3>{title}</h3><span class=\"state {class}\">{stage}</span></div>"
    )?;
    let services = incident.services.join(", ");
    let (from, services) = (time(incident.opened_at), Text(&services));
    write!(out, "<p class=\"soft\">{from}")?;
    if let Some(until) = incident.resolved_at {
        write!(out, " to {}", time(until))?;
    }
    if !incident.services.is_empty() {
        write!(out, " · {services}")?;
    }
    out.push_str("</p>");
    for update in &incident.updates {
        let (stage, at, said) = (self::stage(update.status), time(update.at), Text(&update.text));
        write!(
            out,
            "<div class=\"update\"><p class=\"soft\">{at} · {stage}</p><p class=\"text\">{said}</p></div>"
        )?;
    }
    out.push_str("</article>");
    Ok(())
}

const fn stage(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Investigating => "Investigating",
        IncidentStatus::Identified => "Identified",
        IncidentStatus::Monitoring => "Monitoring",
        IncidentStatus::Resolved => "Resolved",
    }
}

/// `2026-01-31 12:05 UTC`.
fn time(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::ids::IncidentId;
    use contract::status::{Day, Incidents, PublicUpdate, Uptimes};

    const HOSTILE: &str = "</style><script>alert(\"1\")</script><img src=x onerror='alert(1)'>&amp;";

    fn page(text: &str) -> StatusPage {
        let uptime = Uptime { percent: Some(99.5), known_percent: 50.0 };
        let at = OffsetDateTime::UNIX_EPOCH;
        let service = ServiceStatus {
            name: text.to_owned(),
            about: text.to_owned(),
            state: ServiceState::Down,
            since: None,
            uptime: Uptimes {
                day: uptime,
                week: uptime,
                quarter: Uptime { percent: None, known_percent: 0.0 },
            },
            days: vec![Day { date: "1970-01-01".to_owned(), uptime }],
        };
        let incident = PublicIncident {
            id: IncidentId::new(),
            title: text.to_owned(),
            impact: Impact::Major,
            status: IncidentStatus::Investigating,
            services: vec![text.to_owned()],
            opened_at: at,
            resolved_at: Some(at),
            updates: vec![PublicUpdate { status: IncidentStatus::Identified, text: text.to_owned(), at }],
        };
        let incidents = Incidents { open: vec![incident.clone()], recent: vec![incident] };
        StatusPage {
            overall: Overall::PartialOutage,
            checked_at: Some(at),
            services: vec![service],
            incidents,
        }
    }

    #[test]
    fn what_somebody_wrote_is_text_and_never_markup() {
        let html = render(&page(HOSTILE), HOSTILE, Ts::from_secs(0));
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("onerror='"), "{html}");
        assert_eq!(html.matches("</style>").count(), 1);
        assert!(html.contains("&lt;script&gt;alert(&quot;1&quot;)") && html.contains("&amp;amp;"));
        // As many tags as without any text at all.
        let plain = render(&page("x"), "x", Ts::from_secs(0));
        assert_eq!(html.matches('<').count(), plain.matches('<').count());
        assert_eq!(html.matches('"').count(), plain.matches('"').count());
    }

    #[test]
    fn the_policy_allows_this_style_and_nothing_else() {
        let policy = policy();
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains(&hash));
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        let html = render(&page("x"), "x", Ts::from_secs(0));
        assert!(html.contains(&format!("<style>{STYLE}</style>")), "what is hashed is what is sent");
        assert!(!html.contains(" style=") && !html.contains("<script"));
    }

    #[test]
    fn what_is_not_known_is_not_called_up() {
        let html = render(&page("x"), "x", Ts::from_secs(0));
        assert!(html.contains("24 hours: 99.50 % (known for 50.00 %)"), "{html}");
        assert!(html.contains("90 days: not known"));
    }
}
