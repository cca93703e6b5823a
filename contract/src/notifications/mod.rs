//! The notifications' part of the language.
