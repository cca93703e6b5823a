//! A calendar as RFC 5545 writes it: lines of 75 octets at most that end with CRLF, texts with their special characters escaped,
//! times in UTC.
//!
//! What must hold: whatever people write stays within the value of its property; no text of theirs begins a line or a property. And
//! the same events give the same bytes, so that a client that has them is not sent them again.

use super::event::Event;
use chassis::clock::Ts;

/// Octets of a line at most, without its end (section 3.1).
const LINE: usize = 75;

/// The calendar of these events.
#[must_use]
pub fn calendar(events: &[Event]) -> String {
    let mut text = String::with_capacity(512 * (events.len() + 1));
    property(&mut text, "BEGIN", "VCALENDAR");
    property(&mut text, "VERSION", "2.0");
    property(&mut text, "PRODID", "-//Bowline//Events//EN");
    property(&mut text, "CALSCALE", "GREGORIAN");
    property(&mut text, "METHOD", "PUBLISH");
    events.iter().for_each(|event| component(&mut text, event));
    property(&mut text, "END", "VCALENDAR");
    text
}

fn component(text: &mut String, event: &Event) {
    let content = &event.content;
    property(text, "BEGIN", "VEVENT");
    property(text, "UID", &format!("{}@bowline", event.id));
    // When this text of it came to be: without that, every answer would be another one.
    property(text, "DTSTAMP", &utc(event.updated_at));
    property(text, "LAST-MODIFIED", &utc(event.updated_at));
    property(text, "CREATED", &utc(event.created_at));
    property(text, "SEQUENCE", &event.version.to_string());
    property(text, "DTSTART", &utc(content.start));
    property(text, "DTEND", &utc(content.end));
    property(text, "SUMMARY", &escaped(&content.title));
    property(text, "DESCRIPTION", &escaped(&content.description));
    if let Some(location) = &content.location {
        property(text, "LOCATION", &escaped(location));
    }
    property(text, "STATUS", "CONFIRMED");
    property(text, "END", "VEVENT");
}

/// A time in UTC (section 3.3.5); what is finer than a second is cut off.
fn utc(at: Ts) -> String {
    let at = at.to_datetime();
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// A text as a value (section 3.3.11). Control characters that it cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// Adds a property, in as many lines as it takes: each but the first begins with a space (section 3.1).
fn property(text: &mut String, name: &str, value: &str) {
    let mut taken = 0;
    for c in name.chars().chain([':']).chain(value.chars()) {
        if taken + c.len_utf8() > LINE {
            text.push_str("\r\n ");
            taken = 1;
        }
        text.push(c);
        taken += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::content::Content;
    use contract::events::EventStatus;
    use contract::ids::{EventId, UserId};
    use proptest::prelude::*;

    fn of(title: &str, description: &str, location: Option<&str>) -> String {
        let made = crate::domain::event::tests::event(UserId::new(), EventStatus::Approved);
        let content = Content {
            title: title.to_owned(),
            description: description.to_owned(),
            location: location.map(str::to_owned),
            ..made.content
        };
        calendar(&[Event { id: EventId(uuid::Uuid::nil()), content, ..made }])
    }

    /// As a reader joins lines again.
    fn unfolded(calendar: &str) -> String {
        calendar.replace("\r\n ", "")
    }

    fn unescaped(value: &str) -> String {
        let (mut out, mut chars) = (String::new(), value.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.push(match chars.next().unwrap() {
                    'n' => '\n',
                    other => other,
                }),
                c => out.push(c),
            }
        }
        out
    }

    #[test]
    fn an_event_is_written_as_the_rfc_says() {
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bowline//Events//EN\r\nCALSCALE:GREGORIAN\r\n\
            METHOD:PUBLISH\r\nBEGIN:VEVENT\r\nUID:00000000-0000-0000-0000-000000000000@bowline\r\n\
            DTSTAMP:19700101T000001Z\r\nLAST-MODIFIED:19700101T000001Z\r\nCREATED:19700101T000001Z\r\nSEQUENCE:1\r\n\
            DTSTART:19700101T001640Z\r\nDTEND:19700101T003320Z\r\nSUMMARY:Fair\\; with music\\, and \\\\ more\r\n\
            DESCRIPTION:One.\\nTwo.\r\nLOCATION:Yard\r\nSTATUS:CONFIRMED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(of("Fair; with music, and \\ more", "One.\nTwo.", Some("Yard")), expected);
    }

    #[test]
    fn what_somebody_writes_begins_no_line_of_its_own() {
        let calendar = of("Fair\r\nATTENDEE:mailto:eve@example.org", "x\nEND:VEVENT\nBEGIN:VALARM", None);
        let lines: Vec<&str> = calendar.split("\r\n").collect();
        assert!(!lines.iter().any(|line| line.starts_with("ATTENDEE") || line.starts_with("BEGIN:VALARM")));
        assert_eq!(lines.iter().filter(|line| **line == "END:VEVENT").count(), 1);
    }

    #[test]
    fn an_empty_calendar_is_one() {
        assert!(calendar(&[]).ends_with("METHOD:PUBLISH\r\nEND:VCALENDAR\r\n"));
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_line_is_too_long(title in "[^\\p{Cc}]{0,200}", description in "([^\\p{Cc}]|\n|\t){0,400}") {
            let calendar = of(&title, &description, Some(&title));
            for line in calendar.split("\r\n") {
                prop_assert!(line.len() <= LINE, "{} octets", line.len());
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let unfolded = unfolded(&calendar);
            for (name, text) in [("SUMMARY:", &title), ("DESCRIPTION:", &description), ("LOCATION:", &title)] {
                let values: Vec<&str> = unfolded.split("\r\n").filter_map(|line| line.strip_prefix(name)).collect();
                prop_assert_eq!(values.len(), 1);
                prop_assert_eq!(&unescaped(values[0]), text);
            }
        }
    }
}
