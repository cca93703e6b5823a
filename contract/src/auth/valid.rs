//! Rules that requests share, those of text for a person also with other services. A message says what is expected and never repeats what was sent.

use super::{Password, Token};
use garde::Error;

/// Characters of an e-mail address at most (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const EMAIL_MAX: usize = 254;
/// Characters of a token at most; ours are far shorter.
const TOKEN_MAX: usize = 512;

/// An address as a person types it: spaces around it do not matter.
pub(crate) fn email(value: &str, _: &()) -> garde::Result {
    let value = value.trim();
    if value.len() > EMAIL_MAX {
        return Err(Error::new(format!("longer than {EMAIL_MAX} characters")));
    }
    garde::rules::email::apply(&value, ()).map_err(|_| Error::new("not an e-mail address"))
}

/// A password that is being set.
pub(crate) fn new_password(value: &Password, _: &()) -> garde::Result {
    let chars = value.expose().chars().count();
    if chars < Password::MIN_CHARS {
        return Err(Error::new(format!("shorter than {} characters", Password::MIN_CHARS)));
    }
    known_password(value, &())
}

/// A password that is being checked. It may be older than the rule for new ones.
pub(crate) fn known_password(value: &Password, _: &()) -> garde::Result {
    match value.expose().chars().count() {
        0 => Err(Error::new("must not be empty")),
        chars if chars > Password::MAX_CHARS => {
            Err(Error::new(format!("longer than {} characters", Password::MAX_CHARS)))
        }
        _ => Ok(()),
    }
}

/// A token that we handed out.
pub(crate) fn token(value: &Token, _: &()) -> garde::Result {
    match value.expose().len() {
        0 => Err(Error::new("must not be empty")),
        length if length > TOKEN_MAX => Err(Error::new("longer than any token of ours")),
        _ => Ok(()),
    }
}

/// One line of text for a person: not blank, and no control characters.
pub(crate) fn line(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(Error::new("must not be blank"));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::new("must not contain control characters"));
    }
    Ok(())
}

/// Text of several lines for a person: of control characters only line breaks and tabs.
pub(crate) fn lines(value: &str, _: &()) -> garde::Result {
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::new("must not contain control characters"));
    }
    Ok(())
}

/// Sentences for a person: not blank, and in [`lines`].
pub(crate) fn prose(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(Error::new("must not be blank"));
    }
    lines(value, &())
}

/// What stands in a URL for an organisation: `a-z`, `0-9` and single hyphens inside, 2 to 40 characters.
pub(crate) fn slug(value: &str, _: &()) -> garde::Result {
    let allowed = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let hyphens = value.starts_with('-') || value.ends_with('-') || value.contains("--");
    if !allowed || hyphens || !(2..=40).contains(&value.len()) {
        return Err(Error::new("2 to 40 of a-z, 0-9 and single hyphens inside"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_around_an_address_do_not_matter() {
        assert!(email(" Ada@Example.org ", &()).is_ok());
        assert!(email("ada at example.org", &()).is_err());
        assert!(email(&format!("{}@example.org", "a".repeat(250)), &()).is_err());
    }

    #[test]
    fn a_new_password_has_eight_characters_and_an_old_one_may_have_fewer() {
        let short = Password::new("seven77");
        assert!(new_password(&short, &()).is_err());
        assert!(known_password(&short, &()).is_ok());
        assert!(known_password(&Password::new(""), &()).is_err());
        assert!(known_password(&Password::new("x".repeat(129)), &()).is_err());
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert!(new_password(&Password::new("пароль77"), &()).is_ok());
        assert!(new_password(&Password::new("пароль7"), &()).is_err());
    }

    #[test]
    fn a_line_is_not_blank_and_has_no_control_characters() {
        assert!(line("Ada Lovelace", &()).is_ok());
        assert!(line("  ", &()).is_err());
        assert!(line("Ada\nBcc: all", &()).is_err());
    }

    #[test]
    fn a_slug_is_fit_for_a_url() {
        assert!(slug("acme-2", &()).is_ok());
        for bad in ["a", "-acme", "acme-", "ac--me", "Acme", "ac_me", "ac/me"] {
            assert!(slug(bad, &()).is_err(), "{bad}");
        }
    }
}
