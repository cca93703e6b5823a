//! What holds of a todo, of its place and of many at once: decided here, without a database and without HTTP.

pub mod bulk;
pub mod cursor;
pub mod rank;
pub mod texts;
pub mod todo;
