//! A service declares itself once: what it is ([`Spec`]), what it can be told (`Config`), and what it is made of
//! ([`Parts`]). The run loop does the rest.

mod context;
mod events;
mod jobs;
mod parts;

pub use context::Context;
pub use parts::{Parts, Worker};

use crate::config::{Loader, Settings};
use crate::db::Migrations;
use crate::flags::Flag;
use contract::event::EventSpec;
use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use utoipa::openapi::OpenApi;

/// A future that does not care which service made it.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a service is, as plain data that can be read without starting anything.
#[derive(Debug)]
pub struct Spec {
    /// Its name: the target, the section of the settings, the database, the label.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The first path segments under `/api/v1` that belong to it.
    pub owns: &'static [&'static str],
    /// Paths outside of `/api` that belong to it.
    pub well_known: &'static [&'static str],
    /// Whether it is the door: it gets every request from outside that is not internal.
    pub door: bool,
    /// The peers that it cannot do without.
    pub needs: &'static [&'static str],
    /// Its tables, when it has a database.
    pub database: Option<Migrations>,
    /// The events that it publishes.
    pub events: &'static [EventSpec],
    /// The description of its routes.
    pub openapi: fn() -> OpenApi,
}

/// One service.
pub trait Service: Sized + Send + Sync + 'static {
    /// What it is.
    const SPEC: Spec;

    /// What can be turned on and off in it while it runs.
    const FLAGS: &'static [Flag] = &[];

    /// What it can be told. The section of the settings has the service's name.
    type Config: Settings + Send + Sync + 'static;

    /// Builds it from its settings and what it asked for.
    ///
    /// # Errors
    /// When something it cannot do without is wrong; the process then ends with this error.
    fn build(config: Self::Config, context: Context) -> impl Future<Output = anyhow::Result<Parts>> + Send;
}

/// The settings of a service, its type put aside.
pub(crate) type AnyConfig = Box<dyn Any + Send>;

/// A service in the one list of the binary, its types put aside.
#[derive(Clone, Copy)]
pub struct Registration {
    /// What it is.
    pub spec: &'static Spec,
    pub(crate) flags: &'static [Flag],
    pub(crate) load: fn(&mut Loader, &'static str) -> AnyConfig,
    pub(crate) build: fn(AnyConfig, Context) -> Boxed<anyhow::Result<Parts>>,
}

impl Registration {
    /// The registration of a service.
    #[must_use]
    pub const fn of<S: Service>() -> Self {
        Self {
            spec: const { &S::SPEC },
            flags: S::FLAGS,
            load: |loader, name| Box::new(loader.section_of_service::<S::Config>(name)),
            build: |config, context| match config.downcast::<S::Config>() {
                Ok(config) => Box::pin(S::build(*config, context)),
                Err(_) => Box::pin(async { anyhow::bail!("the settings are another service's") }),
            },
        }
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registration").field(&self.spec.name).finish()
    }
}
