//! The settings of the service.

use crate::domain::budget::{Limit, Limits};
use crate::provider::offer::Offer;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::resilience::BreakerConfig;
use secrecy::SecretString;
use std::time::Duration;

/// The largest document that any setting allows, in bytes.
pub(crate) const LARGEST_DOCUMENT: u64 = 1_048_576;

settings! {
    /// Conversations with a language model, over the own knowledge and within a budget.
    pub struct AssistantConfig {
        /// Who answers, in the order in which they are tried: each `name model url input output`, with spaces between. The
        /// URL is where an OpenAI-compatible API is, until before `/chat/completions`; `input` and `output` are what a million
        /// tokens cost, in millionths of the currency. For example
        /// `openai gpt-4o-mini https://api.openai.com/v1 150000 600000`. Without any, answers are sentences of the knowledge.
        providers: Vec<String> = Vec::new();
        /// Their keys: each `name=key`.
        provider_keys: Vec<SecretString> = Vec::new();
        /// The currency of all costs.
        currency: String = "USD".to_owned();
        /// Milliseconds in which an answer must be whole, all tries and all calls of models together.
        deadline_ms: u64 = 30_000;
        /// Milliseconds after which a provider that has sent nothing yet is given up for the next one, if there is one.
        first_token_ms: u64 = 8_000;
        /// Tokens of an answer at most, for each call of a model.
        max_answer_tokens: u32 = 1_024;
        /// Bytes of earlier messages of a conversation that go into a question, at most.
        history_bytes: u32 = 16_000;
        /// Passages of the knowledge that go into a question, at most.
        passages: u32 = 6;
        /// Answers that are made at once in a process, at most.
        max_answers: u32 = 200;
        /// Tokens that a person may use in a day (UTC), unless something else was set for them.
        user_day_tokens: u64 = 200_000;
        /// Tokens that a person may use in a month (UTC).
        user_month_tokens: u64 = 2_000_000;
        /// What a person may cost in a day, in millionths of the currency.
        user_day_cost_micros: u64 = 1_000_000;
        /// What a person may cost in a month, in millionths of the currency.
        user_month_cost_micros: u64 = 10_000_000;
        /// Tokens that an organisation may use in a day (UTC), unless something else was set for it.
        organization_day_tokens: u64 = 2_000_000;
        /// Tokens that an organisation may use in a month (UTC).
        organization_month_tokens: u64 = 20_000_000;
        /// What an organisation may cost in a day, in millionths of the currency.
        organization_day_cost_micros: u64 = 10_000_000;
        /// What an organisation may cost in a month, in millionths of the currency.
        organization_month_cost_micros: u64 = 100_000_000;
        /// How long calls of models are kept for the reports, in days.
        keep_calls_days: u32 = 400;
        /// The share of calls of a provider that must fail before it is left alone for a while, in percent.
        breaker_failure_percent: u32 = 50;
        /// With fewer calls in the last ten seconds nothing is concluded.
        breaker_minimum_calls: u32 = 5;
        /// Milliseconds for which a provider is left alone.
        breaker_probe_interval_ms: u64 = 5_000;
        /// Knowledge bases that a person may have.
        max_knowledge_bases: u32 = 20;
        /// Documents in a knowledge base, at most.
        max_documents: u32 = 200;
        /// Bytes of a document's text at most.
        max_document_bytes: u64 = 262_144;
        /// Bytes of all documents of a person at most.
        max_knowledge_bytes: u64 = 16_777_216;
        /// Seconds in which what the assistant proposes to do may be confirmed.
        proposal_secs: u64 = 600;
    }
}

impl Validate for AssistantConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if let Err(wrong) = Offer::read_all(&self.providers, &self.provider_keys, mode) {
            problems.add(wrong.setting, wrong.message);
        }
        let is_code =
            self.currency.len() == 3 && self.currency.bytes().all(|letter| letter.is_ascii_uppercase());
        if !is_code {
            problems.add("currency", "must be a code of three capital letters, such as USD");
        }
        problems.range("deadline_ms", self.deadline_ms, 100..=300_000);
        problems.range("first_token_ms", self.first_token_ms, 10..=300_000);
        problems.range("max_answer_tokens", self.max_answer_tokens, 16..=100_000);
        problems.range("history_bytes", self.history_bytes, 0..=1_000_000);
        problems.range("passages", self.passages, 1..=50);
        problems.range("max_answers", self.max_answers, 1..=100_000);
        // A month's account must have all its calls as long as anybody looks at it.
        problems.range("keep_calls_days", self.keep_calls_days, 70..=3_650);
        self.breaker().validate(problems);
        problems.range("max_knowledge_bases", self.max_knowledge_bases, 1..=1_000);
        problems.range("max_documents", self.max_documents, 1..=100_000);
        problems.range("max_document_bytes", self.max_document_bytes, 1_024..=LARGEST_DOCUMENT);
        problems.range("max_knowledge_bytes", self.max_knowledge_bytes, 1_024..=1_073_741_824);
        problems.range("proposal_secs", self.proposal_secs, 10..=43_200);
    }
}

impl AssistantConfig {
    pub(crate) const fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    pub(crate) const fn first_token(&self) -> Duration {
        Duration::from_millis(self.first_token_ms)
    }

    /// What a person may use when nothing else was set.
    pub(crate) fn user_limits(&self) -> Limits {
        Limits {
            day: Limit::new(self.user_day_tokens, self.user_day_cost_micros),
            month: Limit::new(self.user_month_tokens, self.user_month_cost_micros),
        }
    }

    /// What an organisation may use when nothing else was set.
    pub(crate) fn organization_limits(&self) -> Limits {
        Limits {
            day: Limit::new(self.organization_day_tokens, self.organization_day_cost_micros),
            month: Limit::new(self.organization_month_tokens, self.organization_month_cost_micros),
        }
    }

    /// When a provider is left alone. An answer may take as long as it may: none is slow.
    pub(crate) fn breaker(&self) -> BreakerConfig {
        let (percent, calls) = (self.breaker_failure_percent, self.breaker_minimum_calls);
        let settings = BreakerConfig::from_settings(percent, calls, self.breaker_probe_interval_ms);
        BreakerConfig { slow_after: self.deadline(), ..settings }
    }
}
