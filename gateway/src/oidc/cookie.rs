//! The cookies of the door: written so that no page reads them and no other host sets them, and taken out before an upstream.

use http::header::{COOKIE, HeaderMap, HeaderValue};

/// What the names of all of them have in them.
const OURS: &str = "bowline-door-";

/// A kind of cookie.
#[derive(Debug, Clone)]
pub(super) struct Cookie {
    name: String,
    secure: bool,
}

impl Cookie {
    /// Of this kind. Over plain HTTP, which only development has, a browser would not keep a secure one.
    pub(super) fn new(kind: &str, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        Self { name: format!("{prefix}{OURS}{kind}"), secure }
    }

    /// Its value in a request. Two of them are none: who knows which one was set here?
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let value = |pair: &'a [u8]| pair.strip_prefix(self.name.as_bytes())?.strip_prefix(b"=");
        let mut found = pairs(headers).filter_map(value);
        let first = found.next()?;
        if found.next().is_some() { None } else { std::str::from_utf8(first).ok() }
    }

    /// The header that sets it for so many seconds; 0 removes it.
    pub(super) fn set(&self, value: &str, secs: u64) -> anyhow::Result<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; Max-Age={secs}; HttpOnly; SameSite=Lax{secure}", self.name);
        let mut header = HeaderValue::try_from(text)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Names and values as they came: those of others may be in any alphabet.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii)
}

/// Takes the cookies of the door out.
pub(crate) fn remove_cookies(headers: &mut HeaderMap) {
    let is_ours = |pair: &[u8]| pair.strip_prefix(b"__Host-").unwrap_or(pair).starts_with(OURS.as_bytes());
    if !pairs(headers).any(is_ours) {
        return;
    }
    let kept: Vec<_> = pairs(headers).filter(|pair| !pair.is_empty() && !is_ours(pair)).collect();
    let kept = kept.join(&b"; "[..]);
    headers.remove(COOKIE);
    if let Ok(mut line) = HeaderValue::from_bytes(&kept)
        && !line.is_empty()
    {
        line.set_sensitive(true);
        headers.insert(COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn a_cookie_is_read_when_it_came_once() {
        let cookie = Cookie::new("session", true);
        assert_eq!(cookie.read(&headers(&["a=b; __Host-bowline-door-session=x"])), Some("x"));
        assert_eq!(cookie.read(&headers(&["a=b", "__Host-bowline-door-session=x=y"])), Some("x=y"));
        assert_eq!(
            cookie.read(&headers(&["bowline-door-session=x"])),
            None,
            "another host could set that one"
        );
        let twice = "__Host-bowline-door-session=x; __Host-bowline-door-session=y";
        assert_eq!(cookie.read(&headers(&[twice])), None);
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let set = Cookie::new("session", true).set("x", 60).unwrap();
        let text = "__Host-bowline-door-session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set, text);
        assert!(!Cookie::new("session", false).set("x", 60).unwrap().to_str().unwrap().contains("Secure"));
        assert!(Cookie::new("session", true).set("x\r\ny", 60).is_err());
    }

    #[test]
    fn only_the_doors_own_cookies_are_taken_out() {
        let mut all = headers(&["a=b; __Host-bowline-door-session=x; c=d", "bowline-door-login=y; e=f"]);
        remove_cookies(&mut all);
        assert_eq!(all, headers(&["a=b; c=d; e=f"]));
        let mut none = headers(&["bowline-door-session=x"]);
        remove_cookies(&mut none);
        assert!(none.is_empty());
        let mut others = headers(&["a=b", "c=d"]);
        remove_cookies(&mut others);
        assert_eq!(others, headers(&["a=b", "c=d"]));
    }

    #[test]
    fn a_cookie_beside_it_in_another_alphabet_hides_nothing() {
        let line = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            headers
        };
        let mut all = line("city=Zürich; __Host-bowline-door-session=x; flag; c=d");
        assert_eq!(Cookie::new("session", true).read(&all), Some("x"));
        remove_cookies(&mut all);
        assert_eq!(all, line("city=Zürich; flag; c=d"));
    }
}
