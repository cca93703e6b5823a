//! Reads the body of an answer up to a bound, and hands it on whole or as it comes.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What became of a body.
pub(crate) enum Read {
    /// All of it.
    Whole(Bytes),
    /// It is larger: what was read and what still comes.
    Larger(Body),
    /// It broke off, or has trailers: what was read and what still comes.
    Other(Body),
}

/// Reads a body that should have at most `most` bytes.
pub(crate) async fn read(mut body: Body, most: usize) -> Read {
    let fits = |length: u64| usize::try_from(length).is_ok_and(|length| length <= most);
    if !fits(body.size_hint().lower()) {
        return Read::Larger(body);
    }
    let (mut first, mut length) = (VecDeque::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.as_ref().ok().and_then(Frame::data_ref).map(Bytes::len);
        first.push_back(frame);
        let Some(bytes) = data else { return Read::Other(Body::new(Rest { first, rest: body })) };
        length += bytes;
        if length > most {
            return Read::Larger(Body::new(Rest { first, rest: body }));
        }
    }
    let mut pieces = first.into_iter().filter_map(|frame| frame.ok()?.into_data().ok());
    let whole = match (pieces.next(), pieces.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only,
        (Some(one), Some(two)) => {
            let mut whole = BytesMut::with_capacity(length);
            [one, two].into_iter().chain(pieces).for_each(|piece| whole.extend_from_slice(&piece));
            whole.freeze()
        }
    };
    Read::Whole(whole)
}

/// A body of which the beginning was read.
struct Rest {
    first: VecDeque<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

impl http_body::Body for Rest {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let frames = self.first.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let read: u64 = frames.map(|data| data.len() as u64).sum();
        let mut hint = self.rest.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + read);
        }
        hint.set_lower(hint.lower() + read);
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;

    fn of(pieces: &[Result<&'static str, &'static str>]) -> Body {
        let frames: Vec<_> =
            pieces.iter().map(|piece| piece.map(|text| Frame::data(Bytes::from(text)))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn text(body: Body) -> Result<String, axum::Error> {
        let whole = body.collect().await?.to_bytes();
        Ok(String::from_utf8(whole.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_body_within_the_bound_is_read_and_a_larger_one_goes_on_as_it_was() {
        let Read::Whole(whole) = read(of(&[Ok("one"), Ok("two")]), 6).await else { panic!() };
        assert_eq!(whole, "onetwo");
        let Read::Larger(body) = read(of(&[Ok("one"), Ok("two"), Ok("three")]), 5).await else { panic!() };
        assert_eq!(text(body).await.unwrap(), "onetwothree");
        let Read::Larger(body) = read(Body::from("known to be longer"), 5).await else { panic!() };
        assert_eq!(body.size_hint().exact(), Some(18));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_breaks_off_for_the_reader_too() {
        let Read::Other(body) = read(of(&[Ok("one"), Err("cut")]), 5).await else { panic!() };
        assert!(text(body).await.is_err());
    }
}
