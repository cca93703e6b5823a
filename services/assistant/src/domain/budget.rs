//! What may be used, what a call may use at most, and what tokens cost. All of it in whole numbers.

use super::number::whole;
use contract::assistant::SetBudget;

/// Tokens and cost in millionths of the currency: what was used, or may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// Tokens.
    pub tokens: i64,
    /// Cost.
    pub micros: i64,
}

impl Limit {
    /// Numbers that no database holds are the largest that it does.
    #[must_use]
    pub fn new(tokens: u64, micros: u64) -> Self {
        Self { tokens: whole(tokens), micros: whole(micros) }
    }
}

/// What may be used in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In a day.
    pub day: Limit,
    /// In a month.
    pub month: Limit,
}

impl Limits {
    /// These, with what was set in place of each.
    #[must_use]
    pub fn with(self, set: &SetBudget) -> Self {
        let SetBudget { day_tokens, month_tokens, day_cost_micros, month_cost_micros } = *set;
        let or = |set: Option<u64>, usual| set.map_or(usual, whole);
        let of = |usual: Limit, tokens, micros| Limit {
            tokens: or(tokens, usual.tokens),
            micros: or(micros, usual.micros),
        };
        Self {
            day: of(self.day, day_tokens, day_cost_micros),
            month: of(self.month, month_tokens, month_cost_micros),
        }
    }
}

/// What a call has used, or may use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Sent to the model.
    pub prompt: u64,
    /// Written by it.
    pub completion: u64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub const fn sum(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

/// What a million tokens cost, in millionths of the currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prices {
    /// Tokens that are sent.
    pub input: u64,
    /// Tokens that are written.
    pub output: u64,
}

const MILLION: u128 = 1_000_000;

impl Prices {
    /// What tokens cost, rounded up once for the whole call.
    #[must_use]
    pub fn cost(self, tokens: Tokens) -> u64 {
        let of = |price: u64, count: u64| u128::from(price) * u128::from(count);
        let cost = (of(self.input, tokens.prompt) + of(self.output, tokens.completion)).div_ceil(MILLION);
        u64::try_from(cost).unwrap_or(u64::MAX)
    }
}

/// Bytes that stand around each message on the wire of a model, generously.
const AROUND_A_MESSAGE: u64 = 16;

/// The most tokens that a text of so many bytes in so many messages can be: no tokenizer in use makes more than one token of a
/// byte. It is what is reserved.
#[must_use]
pub const fn at_most(bytes: u64, messages: u64) -> u64 {
    bytes.saturating_add(messages.saturating_mul(AROUND_A_MESSAGE))
}

/// About how many tokens a text of so many bytes is, where nobody has come to tell: a token for three bytes, which is more than
/// English has and about what Chinese has.
#[must_use]
pub const fn about(bytes: u64, messages: u64) -> u64 {
    bytes.div_ceil(3).saturating_add(messages.saturating_mul(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cost_is_rounded_up_once_for_the_whole_call() {
        let prices = Prices { input: 150_000, output: 600_000 };
        assert_eq!(prices.cost(Tokens { prompt: 1_000_000, completion: 1_000_000 }), 750_000);
        assert_eq!(prices.cost(Tokens { prompt: 1, completion: 1 }), 1, "0.15 and 0.6 are not two");
        assert_eq!(prices.cost(Tokens { prompt: 2, completion: 2 }), 2);
        assert_eq!(Prices::default().cost(Tokens { prompt: u64::MAX, completion: u64::MAX }), 0);
    }

    #[test]
    fn what_was_set_stands_in_place_of_what_is_usual() {
        let usual = Limits { day: Limit::new(1, 2), month: Limit::new(3, 4) };
        let set = SetBudget { day_tokens: Some(0), month_cost_micros: Some(9), ..SetBudget::default() };
        assert_eq!(usual.with(&set), Limits { day: Limit::new(0, 2), month: Limit::new(3, 9) });
        assert_eq!(usual.with(&SetBudget::default()), usual);
    }

    proptest! {
        #[test]
        fn more_tokens_never_cost_less_and_an_estimate_is_never_more_than_what_is_reserved(
            input in 0_u64..1_000_000_000, output in 0_u64..1_000_000_000, prompt in 0_u64..10_000_000,
            completion in 0_u64..10_000_000, more in 0_u64..1_000, bytes in 0_u64..10_000_000, messages in 1_u64..100,
        ) {
            let prices = Prices { input, output };
            let less = prices.cost(Tokens { prompt, completion });
            let dearer = Tokens { prompt: prompt + more, completion: completion + more };
            prop_assert!(prices.cost(dearer) >= less);
            prop_assert!(about(bytes, messages) <= at_most(bytes, messages));
        }
    }
}
