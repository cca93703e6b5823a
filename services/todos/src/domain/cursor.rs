//! Where a page begins: behind the row with this value of what is sorted by, and this identifier. On the wire it is opaque.

use super::rank::Rank;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Ts;
use uuid::Uuid;

/// What a list of todos can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// Their place.
    Position,
    /// When they were made.
    CreatedAt,
    /// When something in them last changed.
    UpdatedAt,
    /// Their title.
    Title,
    /// Whether they are done.
    Completed,
    /// When they should be done.
    DueAt,
}

/// The order of a list: by what, and whether descending.
pub type Order = (SortBy, bool);

/// Why a list is not continued from somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// It is none of ours, or of a list in another order.
    #[error("not a cursor of this list in this order")]
    NotOfThisList,
    /// All places were given anew since the page before.
    #[error("the places were given anew since then; begin with the first page")]
    Renumbered,
}

/// What is sorted by, of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A place, and how often all places had been given anew by then.
    Place(Rank, i64),
    /// A time.
    Time(Ts),
    /// A title as it is sorted by.
    Text(String),
    /// Whether it is done.
    Flag(bool),
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What is sorted by, of the last row seen.
    pub value: Value,
    /// Its identifier, which tells it from others of the same value.
    pub id: Uuid,
}

/// The first moment of the year 10000: nothing is so late, and no database is asked for it.
const END: Ts = Ts::from_secs(253_402_300_800);

/// The part of a cursor that says of which list it is.
const fn mark((by, descending): Order) -> u8 {
    let by = match by {
        SortBy::Position => 0,
        SortBy::CreatedAt => 2,
        SortBy::UpdatedAt => 4,
        SortBy::Title => 6,
        SortBy::Completed => 8,
        SortBy::DueAt => 10,
    };
    if descending { by + 1 } else { by }
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote for a list in this order.
    ///
    /// # Errors
    /// [`BadCursor::NotOfThisList`] for anything else.
    pub fn parse(text: &str, order: Order) -> Result<Self, BadCursor> {
        Self::read(text, order).ok_or(BadCursor::NotOfThisList)
    }

    fn read(text: &str, order: Order) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, rest) = bytes.split_first_chunk::<17>()?;
        let (kind, id) = head.split_first()?;
        if *kind != mark(order) {
            return None;
        }
        let value = match order.0 {
            SortBy::Position => {
                let (numbering, rank) = rest.split_first_chunk()?;
                Value::Place(Rank::of_bytes(rank.to_vec())?, i64::from_be_bytes(*numbering))
            }
            SortBy::CreatedAt | SortBy::UpdatedAt | SortBy::DueAt => {
                let at = Ts::from_micros(i64::from_be_bytes(rest.try_into().ok()?));
                (Ts::from_secs(0)..END).contains(&at).then_some(Value::Time(at))?
            }
            SortBy::Title => {
                let text = String::from_utf8(rest.to_vec()).ok()?;
                (!text.contains('\0')).then_some(Value::Text(text))?
            }
            SortBy::Completed => match rest {
                [flag @ (0 | 1)] => Value::Flag(*flag == 1),
                _ => return None,
            },
        };
        Some(Self { value, id: Uuid::from_slice(id).ok()? })
    }

    /// The text on the wire, for a list in this order.
    #[must_use]
    pub fn text(&self, order: Order) -> String {
        let mut bytes = vec![mark(order)];
        bytes.extend(self.id.as_bytes());
        match &self.value {
            Value::Place(rank, numbering) => {
                bytes.extend(numbering.to_be_bytes());
                bytes.extend(rank.as_bytes());
            }
            Value::Time(at) => bytes.extend(at.micros().to_be_bytes()),
            Value::Text(text) => bytes.extend(text.as_bytes()),
            Value::Flag(flag) => bytes.push(u8::from(*flag)),
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [SortBy; 6] = [
        SortBy::Position,
        SortBy::CreatedAt,
        SortBy::UpdatedAt,
        SortBy::Title,
        SortBy::Completed,
        SortBy::DueAt,
    ];

    fn value(by: SortBy, micros: i64, text: &str) -> Value {
        match by {
            SortBy::Position => Value::Place(Rank::first(), micros),
            SortBy::CreatedAt | SortBy::UpdatedAt | SortBy::DueAt => Value::Time(Ts::from_micros(micros)),
            SortBy::Title => Value::Text(text.to_owned()),
            SortBy::Completed => Value::Flag(micros % 2 == 0),
        }
    }

    #[test]
    fn a_time_that_no_database_holds_is_no_place_in_a_list() {
        let order = (SortBy::DueAt, false);
        for at in [Ts::from_micros(-1), END, Ts::from_micros(i64::MAX)] {
            let forged = Cursor { value: Value::Time(at), id: Uuid::nil() }.text(order);
            assert_eq!(Cursor::parse(&forged, order), Err(BadCursor::NotOfThisList));
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_in_its_own_order_only(id: u128, micros in 0..END.micros(), text in "[^\0]*") {
            for by in ALL {
                let cursor = Cursor { value: value(by, micros, &text), id: Uuid::from_u128(id) };
                let written = cursor.text((by, true));
                prop_assert_eq!(Cursor::parse(&written, (by, true)), Ok(cursor));
                for other in ALL {
                    prop_assert_eq!(Cursor::parse(&written, (other, true)).is_ok(), other == by);
                    prop_assert!(Cursor::parse(&written, (other, false)).is_err());
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            for by in ALL {
                let forged = URL_SAFE_NO_PAD.encode([&[mark((by, false))], bytes.as_slice()].concat());
                prop_assert!(Cursor::parse(&text, (by, false)).is_err() || !text.is_empty());
                if let Ok(cursor) = Cursor::parse(&forged, (by, false)) {
                    prop_assert_eq!(cursor.text((by, false)), forged);
                }
            }
        }
    }
}
