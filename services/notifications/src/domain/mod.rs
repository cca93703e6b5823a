//! What is written to people: kinds, templates, and what they are told. No HTTP and no SQL.

pub mod cursor;
pub mod facts;
pub mod letters;
pub mod message;
pub mod template;
