//! Where a page of a list that grows without end begins: behind what is of that time and has that identifier.

use crate::clock::Ts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct NotACursor;

/// A place in a list that is sorted by time. On the wire it is opaque: who reads it relies on what may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last one seen.
    pub at: Ts,
    /// Its identifier, which tells it from others of the same time.
    pub id: Uuid,
}

const TIME: usize = size_of::<i64>();
/// The first moment of the year 10000, which RFC 3339 cannot write: nothing is so late, and no database is asked for it.
const END: Ts = Ts::from_secs(253_402_300_800);

impl Cursor {
    /// Reads what [`Cursor::text`] wrote.
    ///
    /// # Errors
    /// [`NotACursor`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let (at, id) = bytes.split_first_chunk::<TIME>().ok_or(NotACursor)?;
        let id = Uuid::from_slice(id).map_err(|_| NotACursor)?;
        let at = Ts::from_micros(i64::from_be_bytes(*at));
        if (Ts::from_secs(0)..END).contains(&at) { Ok(Self { at, id }) } else { Err(NotACursor) }
    }

    /// The text on the wire.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.at.micros().to_be_bytes().as_slice(), self.id.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_that_no_database_holds_is_no_place_in_a_list() {
        for micros in [i64::MIN, -1, END.micros(), i64::MAX] {
            let forged = Cursor { at: Ts::from_micros(micros), id: Uuid::nil() };
            assert_eq!(Cursor::parse(&forged.text()), Err(NotACursor));
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(micros in 0..END.micros(), id: u128) {
            let cursor = Cursor { at: Ts::from_micros(micros), id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::parse(&cursor.text()), Ok(cursor));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Ok(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.text(), text);
            }
        }
    }
}
