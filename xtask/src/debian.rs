//! Debian packages that the tests need and a bare machine lacks.

use crate::process::{output, run};
use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Read by the package `postgresql-common` when it is installed: no server that starts with the machine.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/bowline.conf";

/// Installs the server programs that are missing, without a cluster and without a service. The tests start their own.
///
/// # Errors
/// Not root, no apt, or the installation failed; the message says what to do.
pub(crate) fn install_servers(packages: &[&str]) -> Result<()> {
    check_apt(packages, "or run the tests on SQLite only: `cargo xtask test --no-servers`")?;
    let settings = Path::new(NO_CLUSTER);
    settings.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(settings, "create_main_cluster = false\n")
        .with_context(|| format!("cannot write {NO_CLUSTER}"))?;
    install(packages)
}

/// Installs packages, after one `apt-get update`.
///
/// # Errors
/// As [`install_servers`].
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    check_apt(packages, "and run this again")?;
    eprintln!("==> installing Debian packages: {}", packages.join(" "));
    let _policy = NoServices::set()?;
    run(&mut apt("update"))?;
    run(apt("install").args(["--yes", "--no-install-recommends"]).args(packages))
}

/// While it lives, an installed package does not start its service: the tests start servers of their own, on ports and
/// folders of their own.
struct NoServices(bool);

impl NoServices {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn set() -> Result<Self> {
        // A container's image often has one already; then it stays as it is.
        let absent = !Path::new(Self::POLICY).exists();
        if absent {
            std::fs::write(Self::POLICY, "#!/bin/sh\nexit 101\n").context("cannot write policy-rc.d")?;
            std::fs::set_permissions(Self::POLICY, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self(absent))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.0
            && let Err(e) = std::fs::remove_file(Self::POLICY)
        {
            eprintln!("cannot remove {}: {e}", Self::POLICY);
        }
    }
}

fn check_apt(packages: &[&str], otherwise: &str) -> Result<()> {
    let names = packages.join(" ");
    if output("apt-get", &["--version"]).is_none() {
        bail!("{names} is missing and this machine has no apt-get: install it by hand, {otherwise}");
    }
    if output("id", &["-u"]).is_none_or(|id| id.trim() != "0") {
        bail!("{names} is missing; as root: `apt-get update && apt-get install {names}`, {otherwise}");
    }
    Ok(())
}

fn apt(action: &str) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args([
            "--quiet",
            "-o",
            "DPkg::Lock::Timeout=300",
            "-o",
            "Acquire::Retries=3",
            "-o",
            "Dpkg::Use-Pty=0",
        ])
        .arg(action)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
