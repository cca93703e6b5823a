//! The command line.

use crate::commands::{
    admin, asyncapi, catalog, config, events, jobs, keys, mail, migrate, openapi, projections, routes, run,
    saga, targets,
};
use crate::demo;
use crate::prove;
use chassis::config::Sources;
use chassis::run::Platform;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  bowline                                   run everything in this process, on embedded storage
  bowline run --target auth                 run one service
  PORT=8081 bowline run --target gateway    run the door; BOWLINE_PEERS__AUTH says where auth is
  bowline demo                              see a shop at work, and its books
  bowline config check                      find everything that is wrong with the settings
  bowline admin create --email me@example.org

Settings come from bowline.toml and the environment; docs/config.md lists them all.";

/// A microservice platform in one binary.
#[derive(Debug, Parser)]
#[command(name = "bowline", version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The settings file; ./bowline.toml if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run services until they are told to stop (the default command)
    Run(run::Run),
    /// List what can run
    Targets,
    /// Show or check the settings
    Config(config::Config),
    /// Create and migrate the databases, and end
    Migrate(migrate::Migrate),
    /// Print the OpenAPI document of all services
    Openapi,
    #[command(name = "asyncapi")]
    AsyncApi(asyncapi::AsyncApi),
    /// Manage administrators
    Admin(admin::Admin),
    Catalog(catalog::Catalog),
    /// Manage the keys that sign access tokens
    Keys(keys::Keys),
    /// Look at events that were given up, and send them through again
    Events(events::Events),
    /// Look at sagas, and decide for those that are stuck
    Saga(saga::Saga),
    /// Look at jobs, run them, and decide for those that failed
    Jobs(jobs::Jobs),
    Projections(projections::Projections),
    /// Look at outgoing mail that is kept in the database
    Mail(mail::Mail),
    Routes(routes::Routes),
    Explain(routes::Explain),
    Prove(prove::Prove),
    Demo(demo::Demo),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let platform = || -> anyhow::Result<Platform> {
            let sources = Sources::read(self.config.as_deref())?;
            Ok(Platform::load(crate::services::ALL, sources)?)
        };
        match self.command.unwrap_or_else(|| Command::Run(run::Run::default())) {
            Command::Run(run) => run.run(platform()?),
            Command::Targets => targets::run(),
            Command::Config(config) => config.run(platform),
            Command::Migrate(migrate) => migrate.run(platform()?),
            Command::Openapi => openapi::run(),
            Command::AsyncApi(asyncapi) => asyncapi.run(),
            Command::Admin(admin) => admin.run(platform()?),
            Command::Catalog(catalog) => catalog.run(platform),
            Command::Keys(keys) => keys.run(platform()?),
            Command::Events(events) => events.run(platform()?),
            Command::Saga(saga) => saga.run(platform()?),
            Command::Jobs(jobs) => jobs.run(platform()?),
            Command::Projections(projections) => projections.run(platform()?),
            Command::Mail(mail) => mail.run(platform()?),
            Command::Routes(routes) => routes.run(platform),
            Command::Explain(explain) => explain.run(platform),
            Command::Prove(prove) => prove.run(),
            Command::Demo(demo) => demo.run(),
        }
    }
}
