//! The log layer: one line an event, with the fields of the spans around it.
//!
//! JSON lines are for machines: one flat object with `timestamp` (RFC 3339, UTC, microseconds), `level`, `target`,
//! `message`, the event's fields, the fields of all enclosing spans, inner ones first, and what is known of the work in hand.
//! A name appears once; the first value wins. So `correlation_id`, `request_id` and `service` stand on every line of a request,
//! also where no span was made because nobody samples its trace.
//! Pretty lines are for a person at a terminal: time of day, level, target, message, fields and the correlation id.
//!
//! What must hold: a line is written in one piece, and a value from outside cannot forge a second line or move the
//! terminal's cursor. Fields whose name begins with `otel.` or `http.` are for the exporter and are not logged.

use super::fields::{Fields, Text};
use super::origin;
use crate::clock::Clock;
use std::cell::RefCell;
use std::io::Write as _;
use std::sync::Arc;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Where lines go: called once a line, with the line break.
pub type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One flat object.
    Json,
    /// For a person, coloured or not.
    Pretty { colour: bool },
}

/// Names of an event that came through the `log` crate: they tell where it was logged.
const BRIDGED: [&str; 4] = ["log.target", "log.module_path", "log.file", "log.line"];
/// Names of a line itself; a field of that name gets an underscore behind it.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

#[derive(Default)]
struct Buffers {
    line: Vec<u8>,
    event: Fields,
    seen: Vec<&'static str>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

pub(super) struct LineLayer {
    style: Style,
    clock: Clock,
    sink: Sink,
}

impl LineLayer {
    pub(super) fn new(style: Style, clock: Clock, sink: Sink) -> Self {
        Self { style, clock, sink }
    }

    fn write<S>(&self, event: &Event<'_>, scope: Option<Scope<'_, S>>, buffers: &mut Buffers)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Buffers { line, event: fields, seen } = buffers;
        line.clear();
        fields.clear();
        seen.clear();
        event.record(fields);
        match self.style {
            Style::Json => {
                self.start_json(line, event.metadata(), fields);
                json_fields(line, seen, fields);
                for span in scope.into_iter().flatten() {
                    if let Some(fields) = span.extensions().get::<Fields>() {
                        json_fields(line, seen, fields);
                    }
                }
                origin::tell(&mut |name, text| json_field(line, seen, name, Text::Quoted(text)));
                line.extend_from_slice(b"}\n");
            }
            Style::Pretty { colour } => {
                self.start_pretty(line, event.metadata(), fields, colour);
                for (name, text) in fields.iter().filter(|(name, _)| *name != "message") {
                    pretty_field(line, seen, name, text.as_str());
                }
                let mut correlation = |name, text: &str| {
                    if name == "correlation_id" {
                        pretty_field(line, seen, name, text);
                    }
                };
                for span in scope.into_iter().flatten() {
                    if let Some(fields) = span.extensions().get::<Fields>() {
                        fields.iter().for_each(|(name, text)| correlation(name, text.as_str()));
                    }
                }
                origin::tell(&mut correlation);
                line.push(b'\n');
            }
        }
        (self.sink)(line);
    }

    fn start_json(&self, line: &mut Vec<u8>, metadata: &Metadata<'_>, fields: &Fields) {
        line.extend_from_slice(b"{\"timestamp\":\"");
        let now = self.clock.now().to_datetime();
        let (year, month, day) = now.to_calendar_date();
        let (hour, minute, second, micros) = now.to_hms_micro();
        put(
            line,
            format_args!(
                "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z",
                u8::from(month)
            ),
        );
        put(line, format_args!("\",\"level\":\"{}\",\"target\":", metadata.level()));
        json_string(line, fields.get("log.target").unwrap_or(metadata.target()));
    }

    fn start_pretty(&self, line: &mut Vec<u8>, metadata: &Metadata<'_>, fields: &Fields, colour: bool) {
        let (hour, minute, second, millis) = self.clock.now().to_datetime().to_hms_milli();
        let (paint, dim, plain) =
            if colour { (paint(metadata.level()), "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let target = fields.get("log.target").unwrap_or(metadata.target());
        put(line, format_args!("{dim}{hour:02}:{minute:02}:{second:02}.{millis:03}{plain} "));
        put(line, format_args!("{paint}{:>5}{plain} {dim}{target}:{plain} ", metadata.level().as_str()));
        escaped(line, fields.get("message").unwrap_or_default(), true);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &tracing::Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let scope = context.event_scope(event);
        BUFFERS.with(|buffers| match buffers.try_borrow_mut() {
            Ok(mut buffers) => self.write(event, scope, &mut buffers),
            // A value that logs while it is being shown.
            Err(_) => self.write(event, scope, &mut Buffers::default()),
        });
    }
}

fn hidden(name: &str) -> bool {
    name.starts_with("otel.") || name.starts_with("http.") || BRIDGED.contains(&name)
}

fn json_fields(line: &mut Vec<u8>, seen: &mut Vec<&'static str>, fields: &Fields) {
    fields.iter().for_each(|(name, text)| json_field(line, seen, name, text));
}

fn json_field(line: &mut Vec<u8>, seen: &mut Vec<&'static str>, name: &'static str, text: Text<'_>) {
    if hidden(name) || seen.contains(&name) {
        return;
    }
    seen.push(name);
    // Names are Rust's field names or literals of ours: nothing in them needs to be escaped.
    let mark = if RESERVED.contains(&name) { "_" } else { "" };
    put(line, format_args!(",\"{name}{mark}\":"));
    match text {
        Text::Bare(text) => line.extend_from_slice(text.as_bytes()),
        Text::Quoted(text) => json_string(line, text),
    }
}

fn pretty_field(line: &mut Vec<u8>, seen: &mut Vec<&'static str>, name: &'static str, text: &str) {
    if hidden(name) || seen.contains(&name) {
        return;
    }
    seen.push(name);
    put(line, format_args!(" {name}="));
    escaped(line, text, false);
}

fn json_string(line: &mut Vec<u8>, text: &str) {
    // Writing a text to memory does not fail.
    drop(serde_json::to_writer(line, text));
}

/// Control characters are shown, not sent to the terminal. A message may have several lines; the later ones are indented.
fn escaped(line: &mut Vec<u8>, text: &str, lines: bool) {
    for character in text.chars() {
        match character {
            '\n' if lines => line.extend_from_slice(b"\n    "),
            control if control.is_control() => put(line, format_args!("{}", control.escape_default())),
            other => line.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn put(line: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    drop(line.write_fmt(text));
}

fn paint(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
