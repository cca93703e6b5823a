//! What an event says.

use chassis::clock::Ts;
use contract::events::{CreateEvent, FieldChange, UpdateEvent};

/// Calendars and RFC 3339 know four digits of a year, and what was before 1970 is no plan.
const TIMES: std::ops::Range<Ts> = Ts::from_secs(0)..Ts::from_secs(253_402_300_800);

/// What an event says. Its times are in an order and within what a calendar can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is called: one line.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// Where it takes place.
    pub location: Option<String>,
    /// When it begins.
    pub start: Ts,
    /// When it ends.
    pub end: Ts,
}

/// Why an event cannot say this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    /// It ends before it begins, or in the same moment.
    #[error("must be after startDate")]
    EndsFirst,
    /// A time that no calendar holds.
    #[error("must be in the years 1970 to 9999")]
    OutOfTime(&'static str),
}

impl BadContent {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::EndsFirst => "endDate",
            Self::OutOfTime(field) => field,
        }
    }
}

impl Content {
    /// What a request says. Spaces around texts are taken off, and lines end as they do everywhere.
    ///
    /// # Errors
    /// [`BadContent`].
    pub fn of(request: CreateEvent) -> Result<Self, BadContent> {
        let CreateEvent { organization_id: _, title, description, location, start_date, end_date } = request;
        Self {
            title: trimmed(&title),
            description: lines(&description),
            location: location.as_deref().map(trimmed),
            start: Ts::from_datetime(start_date),
            end: Ts::from_datetime(end_date),
        }
        .checked()
    }

    /// What it says after a change, and which fields that changed.
    ///
    /// # Errors
    /// [`BadContent`].
    pub fn changed(&self, request: UpdateEvent) -> Result<(Self, Vec<FieldChange>), BadContent> {
        let UpdateEvent { title, description, location, start_date, end_date } = request;
        let new = Self {
            title: title.as_deref().map_or_else(|| self.title.clone(), trimmed),
            description: description.as_deref().map_or_else(|| self.description.clone(), lines),
            location: location.map_or_else(|| self.location.clone(), |new| new.as_deref().map(trimmed)),
            start: start_date.map_or(self.start, Ts::from_datetime),
            end: end_date.map_or(self.end, Ts::from_datetime),
        }
        .checked()?;
        let changes = self.differences(&new);
        Ok((new, changes))
    }

    fn checked(self) -> Result<Self, BadContent> {
        for (field, at) in [("startDate", self.start), ("endDate", self.end)] {
            if !TIMES.contains(&at) {
                return Err(BadContent::OutOfTime(field));
            }
        }
        if self.start < self.end { Ok(self) } else { Err(BadContent::EndsFirst) }
    }

    fn differences(&self, new: &Self) -> Vec<FieldChange> {
        let text = |text: &String| Some(text.clone());
        let time = |at: Ts| Some(at.to_string());
        let fields = [
            ("title", text(&self.title), text(&new.title)),
            ("description", text(&self.description), text(&new.description)),
            ("location", self.location.clone(), new.location.clone()),
            ("startDate", time(self.start), time(new.start)),
            ("endDate", time(self.end), time(new.end)),
        ];
        let changed = fields.into_iter().filter(|(_, from, to)| from != to);
        changed.map(|(field, from, to)| FieldChange { field: field.to_owned(), from, to }).collect()
    }
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::ids::OrganizationId;

    fn request(start: i64, end: i64) -> CreateEvent {
        CreateEvent {
            organization_id: OrganizationId::new(),
            title: " Fair ".to_owned(),
            description: "Stalls,\r\nmusic\rand a tombola. ".to_owned(),
            location: Some(" Yard ".to_owned()),
            start_date: Ts::from_secs(start).to_datetime(),
            end_date: Ts::from_secs(end).to_datetime(),
        }
    }

    #[test]
    fn an_event_ends_after_it_begins() {
        assert!(Content::of(request(100, 101)).is_ok());
        for end in [100, 99] {
            let refused = Content::of(request(100, end)).unwrap_err();
            assert_eq!((refused, refused.field()), (BadContent::EndsFirst, "endDate"));
        }
    }

    #[test]
    fn a_time_that_no_calendar_holds_is_refused() {
        assert_eq!(Content::of(request(-1, 5)), Err(BadContent::OutOfTime("startDate")));
        let late = request(1, 5);
        let far = "9999-12-31T23:59:59-01:00";
        let end_date = serde_json::from_str::<Ts>(&format!("\"{far}\"")).map(|at| at.micros());
        // Behind the last moment that can be written in UTC.
        let content = Content::of(late).unwrap();
        let beyond = Content { end: Ts::from_micros(end_date.unwrap()), ..content };
        assert_eq!(beyond.checked(), Err(BadContent::OutOfTime("endDate")));
    }

    #[test]
    fn texts_are_kept_without_the_spaces_around_them() {
        let content = Content::of(request(1, 2)).unwrap();
        assert_eq!(content.title, "Fair");
        assert_eq!(content.description, "Stalls,\nmusic\nand a tombola.");
        assert_eq!(content.location.as_deref(), Some("Yard"));
    }

    #[test]
    fn a_change_names_what_it_changes_and_nothing_else() {
        let old = Content::of(request(1, 2)).unwrap();
        let same = UpdateEvent { title: Some("Fair  ".to_owned()), ..UpdateEvent::default() };
        assert_eq!(old.changed(same).unwrap(), (old.clone(), Vec::new()));
        let change = UpdateEvent {
            location: Some(None),
            end_date: Some(Ts::from_secs(3).to_datetime()),
            ..UpdateEvent::default()
        };
        let (new, changes) = old.changed(change).unwrap();
        assert_eq!((new.location, new.end), (None, Ts::from_secs(3)));
        let fields: Vec<_> =
            changes.iter().map(|change| (change.field.as_str(), change.to.as_deref())).collect();
        assert_eq!(fields, [("location", None), ("endDate", Some("1970-01-01T00:00:03Z"))]);
    }

    #[test]
    fn a_change_of_one_time_is_checked_against_the_other() {
        let old = Content::of(request(10, 20)).unwrap();
        let later =
            UpdateEvent { start_date: Some(Ts::from_secs(20).to_datetime()), ..UpdateEvent::default() };
        assert_eq!(old.changed(later), Err(BadContent::EndsFirst));
    }
}
