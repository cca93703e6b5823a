//! Providers as the settings name them.

use crate::domain::budget::Prices;
use chassis::config::Mode;
use chassis::http::outgoing::bearer;
use http::{HeaderValue, Uri};
use secrecy::{ExposeSecret, SecretString};

/// A provider and its model. Its `Debug` shows no key: the header is marked as sensitive.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What the settings call it: a label.
    pub name: String,
    /// The model that is asked for.
    pub model: String,
    /// Where answers are asked for.
    pub url: Uri,
    /// What tokens cost there.
    pub prices: Prices,
    /// The `Authorization` header, when there is a key.
    pub bearer: Option<HeaderValue>,
}

/// What is wrong with the settings of providers. It holds no part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOffer {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong with it.
    pub message: String,
}

const PROVIDERS: &str = "providers";
const KEYS: &str = "provider_keys";

impl Offer {
    /// Reads all providers and their keys.
    ///
    /// # Errors
    /// What is wrong with the first one that is.
    pub fn read_all(providers: &[String], keys: &[SecretString], mode: Mode) -> Result<Vec<Self>, BadOffer> {
        let bad = |setting, message: String| Err(BadOffer { setting, message });
        let mut offers: Vec<Self> = Vec::with_capacity(providers.len());
        for (place, text) in (1..).zip(providers) {
            let offer = match Self::read(text) {
                Ok(offer) => offer,
                Err(wrong) => return bad(PROVIDERS, format!("has a wrong item {place}: {wrong}")),
            };
            if offers.iter().any(|other| other.name == offer.name) {
                return bad(PROVIDERS, format!("has two providers called {}", offer.name));
            }
            offers.push(offer);
        }
        for (place, key) in (1..).zip(keys) {
            let Some((name, key)) = key.expose_secret().split_once('=') else {
                return bad(KEYS, format!("has an item {place} that is not name=key"));
            };
            let Some(offer) = offers.iter_mut().find(|offer| offer.name == name.trim()) else {
                return bad(
                    KEYS,
                    format!("has an item {place} for a provider that is not among assistant.providers"),
                );
            };
            let value = if key.trim().is_empty() { None } else { bearer(&SecretString::from(key)) };
            let Some(value) = value else {
                return bad(
                    KEYS,
                    format!("has an item {place} whose key is empty, or has letters that no key has"),
                );
            };
            if mode.is_production() && offer.url.scheme_str() != Some("https") {
                let message =
                    format!("must have an https:// URL for {} in production, since it has a key", offer.name);
                return bad(PROVIDERS, message);
            }
            offer.bearer = Some(value);
        }
        Ok(offers)
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, model, url, input, output] = words[..] else {
            return Err("it is `name model url input output`");
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.len() > 40 || !name.chars().all(plain) {
            return Err("the name has letters, digits, - and _ only, 40 at most");
        }
        if model.len() > 100 {
            return Err("the model's name is longer than 100 characters");
        }
        let prices = match (input.parse(), output.parse()) {
            (Ok(input), Ok(output)) => Prices { input, output },
            _ => return Err("prices are whole numbers, in millionths of the currency for a million tokens"),
        };
        let base: Uri = url.parse().map_err(|_| "the URL cannot be read")?;
        let is_base = matches!(base.scheme_str(), Some("http" | "https"))
            && base.query().is_none()
            && !url.ends_with('/');
        match base.authority() {
            Some(authority) if is_base && !authority.as_str().contains('@') => {}
            _ => {
                return Err(
                    "the URL begins with http:// or https:// and has no user, no query and no slash at its end",
                );
            }
        }
        let url = format!("{url}/chat/completions").parse().map_err(|_| "the URL cannot be read")?;
        Ok(Self { name: name.to_owned(), model: model.to_owned(), url, prices, bearer: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "openai gpt-4o-mini https://api.openai.com/v1 150000 600000";

    fn read(providers: &[&str], keys: &[&str], mode: Mode) -> Result<Vec<Offer>, BadOffer> {
        let providers: Vec<String> = providers.iter().map(|text| (*text).to_owned()).collect();
        let keys: Vec<SecretString> = keys.iter().map(|key| SecretString::from(*key)).collect();
        Offer::read_all(&providers, &keys, mode)
    }

    #[test]
    fn a_provider_is_read_with_its_key_and_shows_none() {
        let offers = read(
            &[GOOD, "local llama3 http://127.0.0.1:11434/v1 0 0"],
            &["openai=sk-secret"],
            Mode::Production,
        );
        let offers = offers.unwrap();
        assert_eq!(offers[0].url, "https://api.openai.com/v1/chat/completions");
        assert_eq!(offers[0].prices, Prices { input: 150_000, output: 600_000 });
        assert_eq!(offers[0].bearer.as_ref().unwrap(), "Bearer sk-secret");
        assert!(offers[1].bearer.is_none());
        assert!(!format!("{offers:?}").contains("sk-secret"));
    }

    #[test]
    fn what_cannot_work_is_refused_without_a_part_of_a_key() {
        for bad in [
            "openai gpt https://api.openai.com/v1 1",
            "open/ai gpt https://api.openai.com/v1 1 1",
            "openai gpt https://user:sk-secret@api.openai.com/v1 1 1",
            "openai gpt https://api.openai.com/v1/ 1 1",
            "openai gpt ftp://api.openai.com/v1 1 1",
            "openai gpt https://api.openai.com/v1?key=sk-secret 1 1",
            "openai gpt https://api.openai.com/v1 0.15 0.6",
        ] {
            let wrong = read(&[bad], &[], Mode::Development).unwrap_err();
            assert_eq!(wrong.setting, PROVIDERS, "{bad}");
            assert!(!wrong.message.contains("sk-secret"), "{}", wrong.message);
        }
        assert!(read(&[GOOD, GOOD], &[], Mode::Development).is_err(), "two of one name");
        for keys in [["sk-secret"], ["other=sk-secret"], ["openai="], ["openai=sk\nsecret"]] {
            let wrong = read(&[GOOD], &keys, Mode::Development).unwrap_err();
            assert_eq!(wrong.setting, KEYS, "{keys:?}");
            assert!(!wrong.message.contains("secret"), "{}", wrong.message);
        }
    }

    #[test]
    fn in_production_no_key_goes_over_a_line_that_others_read() {
        let plain = "openai gpt http://models.internal/v1 1 1";
        assert!(read(&[plain], &["openai=sk"], Mode::Production).is_err());
        assert!(read(&[plain], &["openai=sk"], Mode::Development).is_ok());
        assert!(read(&[plain], &[], Mode::Production).is_ok(), "without a key there is nothing to read");
    }
}
