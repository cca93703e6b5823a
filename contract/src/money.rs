//! Money: a whole number of the smallest units of a currency, never a fraction and never a float.
//!
//! What must hold: amounts of two currencies never meet, and what does not fit is an error, not another amount.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

/// The codes of ISO 4217 that money is counted in.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF \
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT \
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR \
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST \
    XAF XCD XOF XPF YER ZAR ZMW";
/// Those without smaller units.
const WHOLE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Those with a thousand smaller units.
const THOUSANDTHS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// A currency by its code of ISO 4217, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The dollar of the United States.
    pub const USD: Self = Self(*b"USD");

    /// The currency of a code; `None` when there is none, or the code is not in capitals.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let known = code.len() == 3 && CODES.split_ascii_whitespace().any(|known| known == code);
        known.then(|| code.as_bytes().try_into().ok().map(Self)).flatten()
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits behind the point: 2 for the euro, 0 for the yen.
    #[must_use]
    pub fn digits(&self) -> u32 {
        let within = |list: &str| list.split_ascii_whitespace().any(|code| code == self.code());
        match () {
            () if within(WHOLE) => 0,
            () if within(THOUSANDTHS) => 3,
            () => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not a currency of ISO 4217, such as EUR"))
    }
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(3)).max_length(Some(3));
        let text = text.description(Some("A currency of ISO 4217.")).examples(["EUR"]);
        RefOr::T(schema::Schema::Object(text.build()))
    }
}

impl ToSchema for Currency {}

/// An amount of money.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Money {
    /// In the currency's smallest units: 1999 is 19.99 euro.
    #[schema(example = 1999)]
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why amounts do not come to an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are of two currencies.
    #[error("{0} and {1} cannot be added")]
    Currencies(Currency, Currency),
    /// The result is larger than any amount.
    #[error("the amount is too large")]
    TooLarge,
}

impl Money {
    /// An amount in the smallest units of a currency.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// See [`MoneyError`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::TooLarge)?;
        Ok(Self { amount, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// See [`MoneyError`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let amount = self.amount.checked_sub(other.amount).ok_or(MoneyError::TooLarge)?;
        Ok(Self { amount, ..self })
    }

    /// So many times it.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(quantity)).ok_or(MoneyError::TooLarge)?;
        Ok(Self { amount, ..self })
    }

    /// So many hundredths of a percent of it (1900 is 19 %), rounded half to even, as tax is.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn basis_points(self, points: u32) -> Result<Self, MoneyError> {
        const WHOLE: i128 = 10_000;
        let product = i128::from(self.amount) * i128::from(points);
        let (floor, rest) = (product.div_euclid(WHOLE), product.rem_euclid(WHOLE));
        let up = match (rest * 2).cmp(&WHOLE) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => floor.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        let amount = i64::try_from(floor + up).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { amount, ..self })
    }

    /// The sum of some amounts, which are of this currency.
    ///
    /// # Errors
    /// See [`MoneyError`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::Currencies(self.currency, other.currency))
    }
}

impl fmt::Display for Money {
    /// `19.99 EUR`, `-0.05 EUR`, `500 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        let (unit, size) = (10_u64.pow(digits), self.amount.unsigned_abs());
        let sign = if self.amount < 0 { "-" } else { "" };
        match digits {
            0 => write!(f, "{sign}{size} {}", self.currency),
            _ => write!(
                f,
                "{sign}{}.{:0>width$} {}",
                size / unit,
                size % unit,
                self.currency,
                width = digits as usize
            ),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A price: not below nothing, and small enough that a thousand orders of it still fit.
pub(crate) fn price(value: &Money, _: &()) -> garde::Result {
    const MOST: i64 = 1_000_000_000_000;
    if !(0..=MOST).contains(&value.amount) {
        return Err(garde::Error::new("amount is not between 0 and 1000000000000"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    #[test]
    fn amounts_are_shown_with_the_digits_of_their_currency() {
        let money = |amount, code| Money::new(amount, Currency::parse(code).unwrap()).to_string();
        assert_eq!(money(1999, "EUR"), "19.99 EUR");
        assert_eq!(money(-5, "EUR"), "-0.05 EUR");
        assert_eq!(money(500, "JPY"), "500 JPY");
        assert_eq!(money(1_234, "KWD"), "1.234 KWD");
        assert_eq!(money(i64::MIN, "JPY"), "-9223372036854775808 JPY");
    }

    #[test]
    fn amounts_of_two_currencies_never_meet() {
        let dollars = Money::new(1, Currency::USD);
        assert_eq!(eur(1).plus(dollars), Err(MoneyError::Currencies(Currency::EUR, Currency::USD)));
        assert!(eur(1).minus(dollars).is_err());
        assert!(Money::sum(Currency::EUR, [eur(1), dollars]).is_err());
    }

    #[test]
    fn only_currencies_that_exist_are_read() {
        for bad in ["", "EU", "EURO", "eur", "XXX", "A F", "E€"] {
            assert_eq!(Currency::parse(bad), None, "{bad}");
        }
        let read = serde_json::from_str::<Money>(r#"{"amount":1,"currency":"XXX"}"#);
        assert!(read.unwrap_err().to_string().contains("ISO 4217"));
        assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"EUR"}"#).is_err(), "no fractions");
    }

    #[test]
    fn half_a_unit_goes_to_the_even_one() {
        assert_eq!(eur(50).basis_points(100), Ok(eur(0)));
        assert_eq!(eur(150).basis_points(100), Ok(eur(2)));
        assert_eq!(eur(250).basis_points(100), Ok(eur(2)));
        assert_eq!(eur(1999).basis_points(1900), Ok(eur(380)));
    }

    proptest! {
        #[test]
        fn what_is_taken_from_a_sum_leaves_the_rest(a in any::<i64>(), b in any::<i64>()) {
            if let Ok(sum) = eur(a).plus(eur(b)) {
                prop_assert_eq!(sum.minus(eur(b)), Ok(eur(a)));
            } else {
                prop_assert!(a.checked_add(b).is_none());
            }
        }

        #[test]
        fn a_quantity_is_as_many_additions(amount in -1_000_000_i64..1_000_000, quantity in 0_u32..50) {
            let sum = Money::sum(Currency::EUR, (0..quantity).map(|_| eur(amount)));
            prop_assert_eq!(eur(amount).times(quantity), sum);
        }

        #[test]
        fn a_share_is_at_most_half_a_unit_off(amount in any::<i64>(), points in 0_u32..=10_000) {
            let share = eur(amount).basis_points(points).unwrap();
            let off = i128::from(share.amount) * 10_000 - i128::from(amount) * i128::from(points);
            prop_assert!(off.abs() <= 5_000);
        }

        #[test]
        fn money_comes_back_from_json(amount in any::<i64>()) {
            let json = serde_json::to_string(&eur(amount)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), eur(amount));
        }
    }
}
