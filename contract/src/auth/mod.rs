//! The auth service's part of the language.

mod feed;

pub use feed::{Feed, FeedQuery, Jwk, Jwks, Revocation, Revoked};
