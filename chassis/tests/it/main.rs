//! The chassis against real engines and servers; one binary, because each one links everything.

mod db;
mod engines;
