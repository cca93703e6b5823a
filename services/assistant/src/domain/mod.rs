//! Rules without HTTP and without SQL.

pub mod budget;
pub mod conversation;
pub mod number;
pub mod period;
pub mod prompt;
