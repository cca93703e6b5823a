//! The `tracestate` header of W3C Trace Context, section 3.3: what other tracing systems want carried along.
//!
//! It is read only to know that it is well formed, and passed on as it came.

use http::HeaderValue;

/// What the recommendation asks everybody to pass on.
const MAX_BYTES: usize = 512;
const MAX_MEMBERS: usize = 32;

/// The header's lines as one, or nothing when they are malformed, empty or too long.
pub(super) fn from_headers<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> Option<String> {
    let mut whole = String::new();
    for line in lines {
        if !whole.is_empty() {
            whole.push(',');
        }
        whole.push_str(line.to_str().ok()?);
    }
    is_valid(&whole).then_some(whole)
}

fn is_valid(list: &str) -> bool {
    let mut keys = Vec::new();
    for member in
        list.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty())
    {
        match member.split_once('=') {
            Some((key, value)) if is_key(key) && is_value(value) && !keys.contains(&key) => keys.push(key),
            _ => return false,
        }
    }
    list.len() <= MAX_BYTES && (1..=MAX_MEMBERS).contains(&keys.len())
}

fn is_key(key: &str) -> bool {
    let part = |text: &str, longest: usize, digit_first: bool| {
        let first = text.bytes().next();
        first.is_some_and(|byte| byte.is_ascii_lowercase() || (digit_first && byte.is_ascii_digit()))
            && text.len() <= longest
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    match key.split_once('@') {
        Some((tenant, system)) => part(tenant, 241, true) && part(system, 14, false),
        None => part(key, 256, false),
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_list_is_kept() {
        for list in ["rojo=00f067aa0ba902b7", "a=1,b=2", "1tenant@system=x", "a=1, \tb=2,", "a_-*/z=!~"] {
            assert!(is_valid(list), "{list}");
        }
    }

    #[test]
    fn a_malformed_list_is_dropped() {
        let long = format!("a={}", "x".repeat(MAX_BYTES));
        let many = (0..=MAX_MEMBERS).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        for list in
            ["", ",", "a", "a=", "A=1", "1a=1", "a=1,a=2", "a@1b=x", "a=b=c", "a=\u{e9}", &long, &many]
        {
            assert!(!is_valid(list), "{list}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [HeaderValue::from_static("a=1"), HeaderValue::from_static("b=2")];
        assert_eq!(from_headers(lines.iter()).as_deref(), Some("a=1,b=2"));
    }
}
