//! Secrets that stand in Vault.

mod load;
mod rotation;

use chassis::config::{ConfigErrors, Sources};
use chassis::run::Platform;
use chassis::service::Registration;
use testkit::FakeVault;

use crate::house::Things;

/// Words that stand in no message by chance.
pub(super) const TOKEN: &str = "hvs.CAESIJzyqxTOKENzyqx";
pub(super) const VALUE: &str = "Zq8wVALUEk3n5Rr1tYb7pLx0uHsGd4cMf";

/// Loads with these variables and a Vault's address and token.
pub(super) fn load(vault: &FakeVault, variables: &[(&str, &str)]) -> Result<Platform, ConfigErrors> {
    let url = vault.url();
    let own = [("VAULT_ADDR", url.as_str()), ("VAULT_TOKEN", TOKEN)];
    let all = own.iter().chain(variables).copied();
    Platform::load(&[Registration::of::<Things>()], Sources::from_parts(None, all))
}
