//! Configuration: what can be set, where a value comes from, and what is wrong with it.
//!
//! A process is set up by people who cannot read its code. So every setting is declared once, with its type, default,
//! doc and variable ([`settings!`]), and from that one declaration come the reader, the error messages,
//! `bowline config print` and the reference page. Nothing else in the platform reads the environment.
//!
//! What must hold:
//!
//! - Layers, weakest first: built-in defaults, `bowline.toml`, the environment, secret files (`..._FILE`).
//! - Every error is reported at once, each with the setting's name, its variable, where the bad value came from and what
//!   is allowed. A name that nothing declares is an error with the nearest known name.
//! - The value of a secret is never in an error, in `Debug` or in printed configuration.
//! - Production refuses a secret that is missing, short or taken from an example.
//!
//! A changed setting takes effect at the next start, except for those that are read again while the process runs
//! ([`Origin`]): flags, and the secrets that docs/secrets.md names. A secret may stand in a store ([`SecretStore`]).

mod entry;
mod loader;
mod names;
mod problems;
mod raw;
mod reader;
mod reference;
mod secrets;
mod settings;
mod sources;
mod stored;
mod value;

pub use entry::{Entry, Loaded, Source};
pub use loader::Loader;
pub use names::nearest;
pub use problems::{ConfigError, ConfigErrors, Problem, Problems};
pub use raw::Raw;
pub use reader::SectionReader;
pub use reference::{SectionDoc, reference};
pub use settings::{Field, Settings, Validate};
pub use sources::{Origin, Sources};
pub use stored::{Reference, SecretStore};
pub use value::Value;

#[doc(inline)]
pub use crate::{setting_enum, settings};

setting_enum! {
    /// How strict the platform is about its own configuration.
    pub enum Mode {
        /// A person's machine or a test: secrets may be absent and are then made up by whoever needs them.
        Development = "development",
        /// Secrets must be present, long and not taken from an example.
        Production = "production",
    }
}

impl Mode {
    /// Whether this is [`Mode::Production`].
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

#[cfg(test)]
mod tests;
