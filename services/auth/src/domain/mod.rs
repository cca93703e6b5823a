//! What identity is made of: types that cannot be wrong and rules without side effects. No HTTP, no SQL, no waiting.

pub mod access_token;
pub mod audit;
pub mod email;
pub mod lockout;
pub mod one_time;
pub mod organization;
pub mod password;
pub mod picture;
pub mod profile;
pub mod refresh_token;
pub mod rights;
pub mod sealed;
pub mod session;
pub mod signing_key;
