//! Amounts as Stripe counts them. Mostly that is the smallest unit of the currency, as with us; not always.

use crate::provider::ProviderError;
use contract::money::{Currency, Money};

/// Currencies that Stripe counts in whole units.
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies without smaller units that Stripe counts in hundredths all the same, for old clients' sake.
const HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

/// Digits behind the point, as Stripe counts.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        code if WHOLE.contains(&code) => 0,
        code if HUNDREDTHS.contains(&code) => 2,
        _ => currency.digits(),
    }
}

/// The amount and the currency as Stripe wants them.
pub(super) fn to_stripe(money: Money) -> Result<(i64, String), ProviderError> {
    let (ours, theirs) = (money.currency.digits(), digits(money.currency));
    let unfit = || ProviderError::Refused(format!("Stripe cannot take this amount of {}", money.currency));
    let amount = if theirs >= ours {
        money.amount.checked_mul(10_i64.pow(theirs - ours)).ok_or_else(unfit)?
    } else {
        let unit = 10_i64.pow(ours - theirs);
        if money.amount % unit != 0 {
            return Err(unfit());
        }
        money.amount / unit
    };
    // The last of three digits must be nought: card networks know two.
    if theirs == 3 && amount % 10 != 0 {
        return Err(unfit());
    }
    Ok((amount, money.currency.code().to_ascii_lowercase()))
}

/// The amount that Stripe means, in our units.
pub(super) fn from_stripe(amount: i64, currency: Currency) -> Result<i64, ProviderError> {
    let (ours, theirs) = (currency.digits(), digits(currency));
    let unfit = || ProviderError::NoAnswer(format!("an amount of {currency} that is none"));
    if ours >= theirs {
        return amount.checked_mul(10_i64.pow(ours - theirs)).ok_or_else(unfit);
    }
    let unit = 10_i64.pow(theirs - ours);
    if amount % unit == 0 { Ok(amount / unit) } else { Err(unfit()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(amount: i64, code: &str) -> Money {
        Money::new(amount, Currency::parse(code).unwrap())
    }

    #[test]
    fn amounts_are_counted_as_stripe_documents() {
        for (amount, code, stripe) in
            [(1_999, "EUR", 1_999), (500, "JPY", 500), (5, "ISK", 500), (5, "UGX", 500), (1_200, "MGA", 12)]
        {
            assert_eq!(to_stripe(money(amount, code)).unwrap(), (stripe, code.to_ascii_lowercase()));
        }
        assert_eq!(to_stripe(money(5_120, "KWD")).unwrap().0, 5_120);
        for (amount, code) in [(5_124, "KWD"), (1_201, "MGA"), (i64::MAX, "ISK")] {
            assert!(
                matches!(to_stripe(money(amount, code)), Err(ProviderError::Refused(_))),
                "{amount} {code}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_stripe_takes_comes_back_as_it_went(
            amount in 0_i64..1_000_000_000_000,
            code in prop::sample::select(vec!["EUR", "JPY", "ISK", "UGX", "MGA", "KWD", "USD", "HUF"]),
        ) {
            let money = money(amount, code);
            if let Ok((stripe, _)) = to_stripe(money) {
                prop_assert_eq!(from_stripe(stripe, money.currency).unwrap(), amount);
            }
        }
    }
}
