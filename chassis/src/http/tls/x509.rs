//! What a certificate says: until when it holds, and for whom.
//!
//! Only that. Whether a certificate is to be believed is rustls's to say; what is read here was verified by it, or is our own.
//! So a part that has another form than X.509 demands makes it none at all, and what is not needed is stepped over.

use crate::clock::Ts;
use rustls::pki_types::CertificateDer;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use time::{Date, Month, PrimitiveDateTime, Time};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]` and `[3]` of the part that is signed: the version, and the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// The kinds of names in a subjectAltName.
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) serial: String,
    pub(super) not_before: Ts,
    pub(super) not_after: Ts,
    pub(super) common_name: Option<String>,
    pub(super) dns: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl Facts {
    /// Reads them; `None` when it is no certificate.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let mut signed = Der(Der(certificate).take(SEQUENCE)?).take(SEQUENCE).map(Der)?;
        signed.skip(VERSION);
        let serial = signed.take(INTEGER)?;
        let _algorithm = signed.take(SEQUENCE)?;
        let _issuer = signed.take(SEQUENCE)?;
        let mut validity = Der(signed.take(SEQUENCE)?);
        let mut facts = Self {
            serial: hex(serial),
            not_before: validity.time()?,
            not_after: validity.time()?,
            common_name: common_name(Der(signed.take(SEQUENCE)?)),
            dns: Vec::new(),
            emails: Vec::new(),
            uris: Vec::new(),
            addresses: Vec::new(),
        };
        let _key = signed.take(SEQUENCE)?;
        while let Some((tag, content)) = signed.next() {
            if tag == EXTENSIONS {
                facts.extensions(Der(content))?;
            }
        }
        Some(facts)
    }

    fn extensions(&mut self, mut outer: Der<'_>) -> Option<()> {
        let mut all = Der(outer.take(SEQUENCE)?);
        while let Some((SEQUENCE, extension)) = all.next() {
            let mut extension = Der(extension);
            let kind = extension.take(OBJECT)?;
            extension.skip(BOOLEAN);
            if kind == SUBJECT_ALT_NAME {
                self.names(Der(Der(extension.take(OCTETS)?).take(SEQUENCE)?));
            }
        }
        Some(())
    }

    fn names(&mut self, mut names: Der<'_>) {
        while let Some((kind, name)) = names.next() {
            match (kind, plain(name)) {
                (DNS, Some(name)) => self.dns.push(name.to_ascii_lowercase()),
                (EMAIL, Some(name)) => self.emails.push(name),
                (URI, Some(name)) => self.uris.push(name),
                (ADDRESS, _) => self.addresses.extend(address(name)),
                _ => {}
            }
        }
    }

    /// What to call it in a line of the log.
    pub(super) fn label(&self) -> &str {
        self.dns.first().or(self.common_name.as_ref()).map_or("without a name", String::as_str)
    }
}

/// The last common name of a subject, which is the most specific one.
fn common_name(mut subject: Der<'_>) -> Option<String> {
    let mut found = None;
    while let Some((SET, part)) = subject.next() {
        let mut part = Der(Der(part).take(SEQUENCE)?);
        let kind = part.take(OBJECT)?;
        if let (COMMON_NAME, Some((UTF8 | PRINTABLE | IA5, name))) = (kind, part.next()) {
            let name = std::str::from_utf8(name).ok();
            // It stands in logs, and is compared with what somebody wrote down.
            found = name
                .filter(|name| !name.is_empty() && !name.chars().any(char::is_control))
                .map(str::to_owned);
        }
    }
    found
}

/// A name that is visible ASCII and nothing else.
fn plain(name: &[u8]) -> Option<String> {
    let fine = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    fine.then(|| String::from_utf8_lossy(name).into_owned())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)))).ok()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

/// What is left of some DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element, with its tag; `None` at the end, and where the form is wrong.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
            // Nothing that we are shown is larger than 16 MB.
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which has to have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// Steps over the next element if it has this tag.
    fn skip(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }

    fn time(&mut self) -> Option<Ts> {
        let (tag, text) = self.next()?;
        let digits = text.strip_suffix(b"Z")?;
        let number = |from: usize, to: usize| -> Option<u16> {
            let digits = digits.get(from..to)?.iter();
            digits.copied().try_fold(0, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
            })
        };
        let (year, at) = match (tag, digits.len()) {
            // Two digits count from 1950 (RFC 5280, section 4.1.2.5.1).
            (UTC_TIME, 12) => number(0, 2).map(|year| (if year < 50 { 2000 } else { 1900 } + year, 2))?,
            (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
            _ => return None,
        };
        let part = |place: usize| {
            number(at + 2 * place, at + 2 * place + 2).and_then(|part| u8::try_from(part).ok())
        };
        let date =
            Date::from_calendar_date(i32::from(year), Month::try_from(part(0)?).ok()?, part(1)?).ok()?;
        let time = Time::from_hms(part(2)?, part(3)?, part(4)?).ok()?;
        Some(Ts::from_datetime(PrimitiveDateTime::new(date, time).assume_utc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use testkit::Authority;

    #[test]
    fn a_certificate_says_until_when_it_holds_and_for_whom() {
        let authority = Authority::new("things");
        let names =
            ["Shop.example", "*.shop.example", "127.0.0.1", "spiffe://things/orders", "ada@things.example"];
        let pair = authority.issue_as("Ada Lovelace", &names, -3_600, 86_400);
        let facts = Facts::read(&pair.certificate()).unwrap();
        assert_eq!(facts.common_name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(facts.dns, ["shop.example", "*.shop.example"]);
        assert_eq!(facts.addresses, [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        assert_eq!(facts.uris, ["spiffe://things/orders"]);
        assert_eq!(facts.emails, ["ada@things.example"]);
        assert_eq!(facts.not_after.since(facts.not_before).as_secs(), 90_000);
        assert_eq!(facts.label(), "shop.example");
        assert!(!facts.serial.is_empty());
    }

    #[test]
    fn both_forms_of_a_time_are_read_and_no_other() {
        let time = |tag: u8, text: &str| {
            let length = u8::try_from(text.len()).unwrap();
            Der(&[&[tag, length], text.as_bytes()].concat()).time().map(|time| time.to_datetime().to_string())
        };
        assert_eq!(time(UTC_TIME, "491231235959Z").unwrap(), "2049-12-31 23:59:59.0 +00:00:00");
        assert_eq!(time(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01 0:00:00.0 +00:00:00");
        assert_eq!(time(GENERALIZED_TIME, "20500101000000Z").unwrap(), "2050-01-01 0:00:00.0 +00:00:00");
        for wrong in ["491331235959Z", "4912312359Z", "491231235959", "49123123595-Z"] {
            assert_eq!(time(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_that_could_break_a_line_of_the_log_is_none() {
        assert_eq!(plain(b"shop.example").as_deref(), Some("shop.example"));
        assert_eq!(plain(b"shop\0.evil"), None);
        assert_eq!(plain(b"shop\nexample"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_ends(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(Facts::read(&CertificateDer::from(bytes)));
        }

        #[test]
        fn a_certificate_with_a_wrong_byte_or_cut_off_ends_too(at in 0_usize..1_000, byte in any::<u8>(), cut in any::<bool>()) {
            let pair = Authority::new("things").issue(&["shop.example"]);
            let mut bytes = pair.certificate().to_vec();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            drop(Facts::read(&CertificateDer::from(bytes)));
        }
    }
}
