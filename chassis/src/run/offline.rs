//! Work on a service's data without serving: what commands such as `bowline admin create` stand on.

use super::assemble::install_crypto;
use super::foundation::{Foundation, described, divide};
use super::{Platform, Targets};
use crate::clock::Clock;
use crate::service::{Context, Service};
use crate::stop;
use anyhow::Context as _;

/// Opens and migrates what service `S` needs, hands it over with the settings, and closes it again. A running platform
/// on the same database is not disturbed.
///
/// # Errors
/// When the databases cannot be opened, and whatever `work` returns.
pub fn offline<S: Service, T, F>(
    mut platform: Platform,
    work: impl FnOnce(S::Config, Context) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    runtime()?.block_on(async {
        install_crypto();
        let (_stopper, stop) = stop::channel();
        let (all, mut targets) = divide(&mut platform, &Targets::one(S::SPEC.name));
        let foundation = Foundation::lay(platform, &all, &targets, None, Clock::system(), stop).await?;
        let (registration, config) =
            targets.pop().with_context(|| format!("{} is not in the list", S::SPEC.name))?;
        let config = config.downcast::<S::Config>().ok().context("the settings are another service's")?;
        let done = work(*config, foundation.context(registration.spec)?).await;
        for db in foundation.databases.values() {
            db.close().await;
        }
        done
    })
}

/// Opens and migrates what the service of this name needs, hands its context over, and closes it again: for commands
/// that work on what every service has, such as its dead letters.
///
/// # Errors
/// When there is no such service, when the databases cannot be opened, and whatever `work` returns.
pub fn offline_by_name<T, F>(
    mut platform: Platform,
    service: &str,
    work: impl FnOnce(Context) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let all: Vec<_> = platform.services.iter().map(|(registration, _)| *registration).collect();
    let named = Targets::parse(service, &all)?;
    runtime()?.block_on(async {
        install_crypto();
        let (_stopper, stop) = stop::channel();
        let (all, targets) = divide(&mut platform, &named);
        let foundation = Foundation::lay(platform, &all, &targets, None, Clock::system(), stop).await?;
        let (registration, _) = targets.first().context("name one service")?;
        let done = work(foundation.context(registration.spec)?).await;
        for db in foundation.databases.values() {
            db.close().await;
        }
        done
    })
}

/// Opens and migrates the databases of the targets, and says where they are.
///
/// # Errors
/// When one cannot be opened or migrated.
pub fn migrate(mut platform: Platform, targets: &Targets) -> anyhow::Result<Vec<(&'static str, String)>> {
    runtime()?.block_on(async {
        install_crypto();
        let (_stopper, stop) = stop::channel();
        let (all, targets) = divide(&mut platform, targets);
        let foundation = Foundation::lay(platform, &all, &targets, None, Clock::system(), stop).await?;
        for db in foundation.databases.values() {
            db.close().await;
        }
        Ok(described(&foundation.databases))
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot make the runtime")
}
