//! Which coding a client gets, what is worth it, and what becomes of entity tags.

use super::*;
use http_body_util::BodyExt;
use proptest::prelude::*;

fn of(line: &str) -> Option<Coding> {
    Coding::of(&HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]))
}

#[test]
fn a_client_gets_what_it_likes_best_and_of_equals_what_we_do() {
    for (line, coding) in [
        ("gzip", Some(Coding::Gzip)),
        ("x-gzip", Some(Coding::Gzip)),
        ("deflate, gzip;q=1.0, *;q=0.5", Some(Coding::Gzip)),
        ("gzip, deflate, br", Some(Coding::Brotli)),
        ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
        ("zstd;q=0.5, br;q=0.9, gzip;q=0.8", Some(Coding::Brotli)),
        ("BR, GZIP;q=0.1", Some(Coding::Brotli)),
        ("*", Some(Coding::Zstd)),
        ("zstd;q=0, *", Some(Coding::Brotli)),
        ("gzip;q=0, *", Some(Coding::Zstd)),
        ("gzip;q=0.5, identity;q=0.5", Some(Coding::Gzip)),
        ("gzip, identity;q=0", Some(Coding::Gzip)),
        ("gzip;q=0.5, identity", None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("gzip;q=x", None),
        ("gzip;q=1.001", None),
        ("gzip;q=2", None),
    ] {
        assert_eq!(of(line), coding, "{line}");
    }
    assert_eq!(Coding::of(&HeaderMap::new()), None);
}

proptest! {
    #[test]
    fn no_line_makes_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            Coding::of(&HeaderMap::from_iter([(ACCEPT_ENCODING, value)]));
        }
    }

    #[test]
    fn what_a_client_refuses_it_never_gets_and_what_it_names_alone_it_gets(
        weights in proptest::array::uniform3(0..=1_000_u16),
        order in Just([0_usize, 1, 2]).prop_shuffle(),
    ) {
        let text = |at: &usize| format!("{};q={}", Coding::ALL[*at].name(), f32::from(weights[*at]) / 1_000.0);
        let line = order.iter().map(text).collect::<Vec<_>>().join(", ");
        let best = weights.iter().max().copied().unwrap();
        // Of equals the first of ours, whatever the client's order.
        let expected = Coding::ALL.into_iter().find(|coding| best > 0 && weights[*coding as usize] == best);
        prop_assert_eq!(of(&line), expected, "{}", line);
    }

    #[test]
    fn an_entity_tag_that_was_marked_is_the_same_when_it_comes_back(tag in "[!#-~]{0,20}") {
        let plain = HeaderValue::try_from(format!("\"{tag}\"")).unwrap();
        for coding in Coding::ALL {
            let mut answer = HeaderMap::from_iter([(ETAG, plain.clone())]);
            coding.mark_tag(&mut answer);
            prop_assert_ne!(&answer[ETAG], &plain);
            let mut request = HeaderMap::from_iter([(IF_MATCH, answer[ETAG].clone())]);
            unmark_tags(&mut request);
            prop_assert_eq!(&request[IF_MATCH], &plain);
        }
    }
}

#[test]
fn tags_lose_their_coding_and_nothing_else() {
    let mut headers = HeaderMap::new();
    headers.append(IF_NONE_MATCH, "\"a~zstd\", W/\"b\", \"c~br\"".parse().unwrap());
    headers.append(IF_NONE_MATCH, "\"d~gzip\", *, \"e-gzip\"".parse().unwrap());
    unmark_tags(&mut headers);
    let lines: Vec<_> = headers.get_all(IF_NONE_MATCH).iter().collect();
    assert_eq!(lines, ["\"a\", W/\"b\", \"c\"", "\"d\", *, \"e-gzip\""]);
    assert_eq!(bare_tag("W/\"a~br\""), bare_tag("\"a\""));
    assert_ne!(bare_tag("\"a~brr\""), bare_tag("\"a\""));
    let mut weak = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("W/\"a\""))]);
    Coding::Zstd.mark_tag(&mut weak);
    assert_eq!(weak[ETAG], "W/\"a\"", "a weak one is the same for all of them");
}

fn answer(headers: &[(HeaderName, &'static str)], body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    for (name, value) in headers {
        answer.headers_mut().append(name, HeaderValue::from_static(value));
    }
    answer
}

#[test]
fn only_what_gets_shorter_and_may_be_changed_is_compressed() {
    let long = || "x".repeat(300);
    let json = (CONTENT_TYPE, "application/json");
    for kind in [
        "application/json",
        "Text/HTML; charset=utf-8",
        "application/problem+json",
        "image/svg+xml",
        "text/css",
    ] {
        assert!(is_worth_it(&answer(&[(CONTENT_TYPE, kind)], long())), "{kind}");
    }
    for kind in [
        "image/png",
        "text/event-stream",
        "application/grpc+json",
        "application/zip",
        "video/mp4",
        "font/woff2",
    ] {
        assert!(!is_worth_it(&answer(&[(CONTENT_TYPE, kind)], long())), "{kind}");
    }
    assert!(!is_worth_it(&answer(&[], long())), "nobody knows what it is");
    assert!(!is_worth_it(&answer(std::slice::from_ref(&json), "x".repeat(255))), "too short");
    assert!(!is_worth_it(&answer(&[json.clone(), (CONTENT_ENCODING, "br")], long())), "compressed already");
    assert!(!is_worth_it(&answer(&[json.clone(), (CONTENT_RANGE, "bytes 0-1/2")], long())), "a part");
    assert!(
        !is_worth_it(&answer(&[json.clone(), (CACHE_CONTROL, "public, No-Transform")], long())),
        "not to be changed"
    );
    let pieces = futures_util::stream::iter([Ok::<_, Infallible>(long())]);
    assert!(!is_worth_it(&answer(&[json], Body::from_stream(pieces))), "of unknown length");
}

#[tokio::test]
async fn an_answer_says_how_it_is_compressed_and_for_whom_it_differs() {
    for coding in Coding::ALL {
        let plain =
            answer(&[(CONTENT_TYPE, "application/json"), (ETAG, "\"1\"")], "a long text ".repeat(100));
        let compressed = coding.apply(plain, &[]).await;
        let headers = compressed.headers().clone();
        assert_eq!(headers[CONTENT_ENCODING], coding.name());
        assert_eq!(headers[http::header::VARY], "accept-encoding");
        assert_eq!(headers[ETAG], format!("\"1{}", coding.mark()));
        assert!(!headers.contains_key(http::header::CONTENT_LENGTH));
        assert!(compressed.into_body().collect().await.unwrap().to_bytes().len() < 100);
    }
}
