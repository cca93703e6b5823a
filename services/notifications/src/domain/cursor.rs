//! Where a page of messages begins: behind the message with this identifier. Identifiers sort by the time at which they were
//! made, so one of them is place enough. On the wire it is opaque: who reads it relies on what may change.

use contract::ids::NotificationId;
use uuid::Uuid;

/// A text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct NotACursor;

/// Reads what [`text`] wrote.
///
/// # Errors
/// [`NotACursor`] for anything else.
pub fn parse(text: &str) -> Result<NotificationId, NotACursor> {
    let id = Uuid::try_parse(text).map_err(|_| NotACursor)?;
    if text == self::text(NotificationId(id)) { Ok(NotificationId(id)) } else { Err(NotACursor) }
}

/// The text on the wire.
#[must_use]
pub fn text(id: NotificationId) -> String {
    id.uuid().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let id = NotificationId::new();
        assert_eq!(parse(&text(id)), Ok(id));
        for bad in ["", "x", &id.to_string(), &text(id).to_uppercase().replace(char::is_numeric, "A")] {
            assert_eq!(parse(bad), Err(NotACursor), "{bad}");
        }
    }
}
