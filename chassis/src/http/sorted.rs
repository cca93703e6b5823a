//! Where a page of a list begins that can be read in several orders: behind the row that has this value in the column of the
//! order and this identifier. For a list that is only ever read by time, [`super::Cursor`] does.

use crate::clock::Ts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list in this order")]
pub struct NotACursor;

/// What the last row seen has in the column of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Words.
    Text(String),
    /// An amount or a rank.
    Number(i64),
    /// A time.
    Time(Ts),
}

/// A place in a sorted list. On the wire it is opaque: who reads it relies on what may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The value of the last row seen.
    pub value: Value,
    /// Its identifier, which tells it from others of the same value.
    pub id: Uuid,
}

/// The first moment of the year 10000, which RFC 3339 cannot write: no row is so late, and no database is asked for it.
const END: Ts = Ts::from_secs(253_402_300_800);
const ID: usize = 16;
const NUMBER: usize = size_of::<i64>();

impl Cursor {
    /// Reads what [`Cursor::text`] wrote for a list of this order. `order` is what a client wrote as `sort`.
    ///
    /// # Errors
    /// [`NotACursor`] for anything else, also for the cursor of another order.
    pub fn parse(text: &str, order: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let (id, rest) = bytes.split_first_chunk::<ID>().ok_or(NotACursor)?;
        let (length, rest) = rest.split_first().ok_or(NotACursor)?;
        let (named, rest) = rest.split_at_checked(usize::from(*length)).ok_or(NotACursor)?;
        if named != order.as_bytes() {
            return Err(NotACursor);
        }
        let (kind, value) = rest.split_first().ok_or(NotACursor)?;
        let number = || <[u8; NUMBER]>::try_from(value).map(i64::from_be_bytes).map_err(|_| NotACursor);
        let value = match kind {
            b't' => Value::Text(String::from_utf8(value.to_vec()).map_err(|_| NotACursor)?),
            b'n' => Value::Number(number()?),
            b'd' => Value::Time(Ts::from_micros(number()?)),
            _ => return Err(NotACursor),
        };
        let possible = match &value {
            // A zero byte is the one character that PostgreSQL does not take.
            Value::Text(text) => !text.contains('\0'),
            Value::Number(_) => true,
            Value::Time(at) => (Ts::from_secs(0)..END).contains(at),
        };
        if possible { Ok(Self { value, id: Uuid::from_bytes(*id) }) } else { Err(NotACursor) }
    }

    /// The text on the wire.
    #[must_use]
    pub fn text(&self, order: &str) -> String {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.push(u8::try_from(order.len()).unwrap_or_default());
        bytes.extend_from_slice(order.as_bytes());
        match &self.value {
            Value::Text(text) => {
                bytes.push(b't');
                bytes.extend_from_slice(text.as_bytes());
            }
            Value::Number(number) => {
                bytes.push(b'n');
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Value::Time(at) => {
                bytes.push(b'd');
                bytes.extend_from_slice(&at.micros().to_be_bytes());
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[^\0]*".prop_map(Value::Text),
            any::<i64>().prop_map(Value::Number),
            (0..END.micros()).prop_map(|at| Value::Time(Ts::from_micros(at))),
        ]
    }

    #[test]
    fn what_no_database_takes_is_no_place_in_a_list() {
        for value in [
            Value::Text("a\0b".to_owned()),
            Value::Time(Ts::from_micros(-1)),
            Value::Time(END),
            Value::Time(Ts::from_micros(i64::MAX)),
        ] {
            let forged = Cursor { value, id: Uuid::nil() };
            assert_eq!(Cursor::parse(&forged.text("name"), "name"), Err(NotACursor), "{forged:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went_in_its_own_order_only(value in values(), id: u128) {
            let cursor = Cursor { value, id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::parse(&cursor.text("-price"), "-price"), Ok(cursor.clone()));
            prop_assert_eq!(Cursor::parse(&cursor.text("-price"), "price"), Err(NotACursor));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            drop(Cursor::parse(&text, "name"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            drop(Cursor::parse(&URL_SAFE_NO_PAD.encode(bytes), "name"));
        }
    }
}
