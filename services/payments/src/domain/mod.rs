//! The rules: what a payment is, what becomes of it when its provider says something, and what is asked next. Neither HTTP
//! nor SQL.

pub mod charge;
pub mod compare;
pub mod machine;
pub mod record;
pub mod signature;
