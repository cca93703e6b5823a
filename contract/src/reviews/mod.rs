//! The reviews' part of the language.
