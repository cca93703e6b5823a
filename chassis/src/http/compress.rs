//! Compression of answers for clients that accept it.
//!
//! Only an answer whose length is known is compressed: a stream is for somebody who waits for its next piece, and the
//! compressor would hold that back until it has enough for a block.

use http::Response;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use http_body::Body;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};

/// Bytes of a body below which gzip saves nothing worth its time.
const WORTH_IT: u64 = 256;

/// Compresses what is worth it.
pub(super) fn layer() -> CompressionLayer<Whole> {
    CompressionLayer::new().compress_when(Whole(DefaultPredicate::new()))
}

/// Answers of known length that tower-http's own rules do not leave out (images, streams of events).
#[derive(Clone)]
pub(super) struct Whole(DefaultPredicate);

impl Predicate for Whole {
    fn should_compress<B: Body>(&self, response: &Response<B>) -> bool {
        let worth_it = response.body().size_hint().exact().is_some_and(|length| length >= WORTH_IT);
        worth_it && self.0.should_compress(response)
    }
}

/// Whether gzip is acceptable (RFC 9110, section 12.5.3). What the client prefers among others does not matter: gzip is
/// all we have.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any) = (None, None);
    let lines = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    for item in lines.flat_map(|line| line.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // A weight that is none is as good as no word about this coding.
        let Ok(weight) = weight.unwrap_or("1").parse::<f32>() else { continue };
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            gzip = Some(weight > 0.0);
        } else if name == "*" {
            any = Some(weight > 0.0);
        }
    }
    gzip.or(any).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_only_where_it_is_accepted() {
        let accepts =
            |line: &str| accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]));
        for yes in ["gzip", "br, GZIP;q=0.1", "*", "deflate, gzip;q=1.0, *;q=0.5", "x-gzip"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "*;q=0", "gzip;q=0, *", "identity;q=0", "gzip;q=x"] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
