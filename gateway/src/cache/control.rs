//! `Cache-Control` (RFC 9111, section 5.2) of requests and answers, read so that no two readers can disagree to anybody's
//! harm: what cannot be understood counts as the stricter of its meanings.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};
use std::time::Duration;

/// Longer than that means for ever (RFC 9111, section 1.2.2).
const LONGEST: u32 = 1 << 31;

/// What `Cache-Control` says. Directives of requests and answers that mean different things have different names.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) no_store: bool,
    /// Also with the names of fields: then too nothing of it is given out unasked.
    pub(super) no_cache: bool,
    /// Also with the names of fields.
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<u32>,
    pub(super) s_maxage: Option<u32>,
    pub(super) stale_while_revalidate: Option<u32>,
    pub(super) stale_if_error: Option<u32>,
    pub(super) min_fresh: Option<u32>,
    /// Of a request; without a number any age will do.
    pub(super) max_stale: Option<u32>,
}

impl Control {
    /// What an answer says.
    pub(super) fn of_answer(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            control.read(line.as_bytes());
        }
        control
    }

    /// What a request says; `Pragma: no-cache` counts where nothing else is said (section 5.4).
    pub(super) fn of_request(headers: &HeaderMap) -> Self {
        let mut control = Self::of_answer(headers);
        let old = |line: &http::HeaderValue| line.as_bytes().eq_ignore_ascii_case(b"no-cache");
        if !headers.contains_key(CACHE_CONTROL) && headers.get_all(PRAGMA).iter().any(old) {
            control.no_cache = true;
        }
        control
    }

    fn read(&mut self, line: &[u8]) {
        for part in Parts(line) {
            let (name, value) = match part.iter().position(|byte| *byte == b'=') {
                Some(at) => (part.get(..at).unwrap_or_default(), part.get(at + 1..)),
                None => (part, None),
            };
            self.take(&name.trim_ascii().to_ascii_lowercase(), value);
        }
    }

    fn take(&mut self, name: &[u8], value: Option<&[u8]>) {
        match name {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"max-age" => shortest(&mut self.max_age, value),
            b"s-maxage" => shortest(&mut self.s_maxage, value),
            b"stale-while-revalidate" => shortest(&mut self.stale_while_revalidate, value),
            b"stale-if-error" => shortest(&mut self.stale_if_error, value),
            b"max-stale" if value.is_none() => self.max_stale = Some(self.max_stale.unwrap_or(LONGEST)),
            b"max-stale" => shortest(&mut self.max_stale, value),
            // Of two the one that asks for more is the stricter; one that is no number asks for what nobody has.
            b"min-fresh" => {
                let asked = value.and_then(seconds).unwrap_or(LONGEST);
                self.min_fresh = Some(self.min_fresh.map_or(asked, |other| other.max(asked)));
            }
            _ => {}
        }
    }
}

/// Seconds as a length of time.
pub(super) fn secs(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs))
}

/// Of two lengths the shorter one holds, and one that is no number is none at all (section 4.2.1).
fn shortest(kept: &mut Option<u32>, value: Option<&[u8]>) {
    let read = value.and_then(seconds).unwrap_or(0);
    *kept = Some(kept.map_or(read, |other| other.min(read)));
}

/// A number of seconds, also in quotes.
pub(super) fn seconds(value: &[u8]) -> Option<u32> {
    let value = value.trim_ascii();
    let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    if bare.is_empty() || !bare.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u32, digit: &u8| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    Some(bare.iter().fold(0, add).min(LONGEST))
}

/// The parts of a list between its commas; one in quotes separates nothing.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.0.is_empty() {
            let (mut quoted, mut escaped) = (false, false);
            let end = self.0.iter().position(|byte| {
                let plain = !std::mem::take(&mut escaped);
                match byte {
                    b'\\' if quoted && plain => escaped = true,
                    b'"' if plain => quoted = !quoted,
                    b',' => return !quoted,
                    _ => {}
                }
                false
            });
            let at = end.unwrap_or(self.0.len());
            let (part, rest) = self.0.split_at(at);
            self.0 = rest.get(1..).unwrap_or_default();
            let part = part.trim_ascii();
            if !part.is_empty() {
                return Some(part);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Control {
        let pairs = lines.iter().map(|line| (CACHE_CONTROL, HeaderValue::from_str(line).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        Control::of_request(&headers)
    }

    #[test]
    fn directives_are_read_whatever_their_letters_spaces_and_lines() {
        let control = read(&["Public , MAX-AGE=60,,s-maxage=\"5\"", "stale-if-error = 7"]);
        let expected = Control {
            public: true,
            max_age: Some(60),
            s_maxage: Some(5),
            stale_if_error: Some(7),
            ..Control::default()
        };
        assert_eq!(control, expected);
    }

    #[test]
    fn a_comma_in_quotes_separates_nothing() {
        let control = read(&[r#"private="a, no-store, \", max-age=9", max-age=3"#]);
        assert_eq!(control, Control { private: true, max_age: Some(3), ..Control::default() });
    }

    #[test]
    fn what_is_said_twice_or_wrongly_counts_as_the_stricter() {
        assert_eq!(read(&["max-age=60, max-age=5"]).max_age, Some(5));
        assert_eq!(read(&["max-age=soon"]).max_age, Some(0));
        assert_eq!(read(&["max-age=-1"]).max_age, Some(0));
        assert_eq!(read(&["max-age"]).max_age, Some(0));
        assert_eq!(read(&["max-age=99999999999999999999"]).max_age, Some(LONGEST));
        assert_eq!(read(&["min-fresh=x"]).min_fresh, Some(LONGEST));
        assert_eq!(read(&["max-stale"]).max_stale, Some(LONGEST));
        assert_eq!(read(&["max-stale, max-stale=3"]).max_stale, Some(3));
    }

    #[test]
    fn pragma_counts_only_where_nothing_else_is_said() {
        let mut headers = HeaderMap::new();
        headers.insert(PRAGMA, HeaderValue::from_static("No-Cache"));
        assert!(Control::of_request(&headers).no_cache);
        assert!(!Control::of_answer(&headers).no_cache);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
        assert!(!Control::of_request(&headers).no_cache);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_or_find_what_is_not_there(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut control = Control::default();
            control.read(&line);
            let lower = line.to_ascii_lowercase();
            let says = |word: &[u8]| lower.windows(word.len()).any(|window| window == word);
            prop_assert!(!control.no_store || says(b"no-store"));
            prop_assert!(!control.public || says(b"public"));
            prop_assert!(control.max_age.is_none() || says(b"max-age"));
        }

        #[test]
        fn what_was_written_is_what_is_read(
            age in proptest::option::of(0..LONGEST),
            shared in proptest::option::of(0..LONGEST),
            public: bool,
            no_store: bool,
            pad in "[ \t]{0,3}",
        ) {
            let mut words = vec!["x=\"no-cache, private\"".to_owned()];
            age.iter().for_each(|secs| words.push(format!("max-age={secs}")));
            shared.iter().for_each(|secs| words.push(format!("S-MaxAge=\"{secs}\"")));
            if public { words.push("public".into()); }
            if no_store { words.push("No-Store".into()); }
            let mut control = Control::default();
            control.read(words.join(&format!("{pad},{pad}")).as_bytes());
            let expected = Control { public, no_store, max_age: age, s_maxage: shared, ..Control::default() };
            prop_assert_eq!(control, expected);
        }

        #[test]
        fn a_directive_more_never_makes_an_answer_fresh_for_longer(first in "[ -~]{0,40}", second in "max-age=[0-9]{1,4}") {
            let mut alone = Control::default();
            alone.read(second.as_bytes());
            let mut both = Control::default();
            both.read(format!("{second},{first}").as_bytes());
            prop_assert!(both.max_age.unwrap() <= alone.max_age.unwrap());
        }
    }
}
