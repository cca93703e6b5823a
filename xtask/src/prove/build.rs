//! The programs that are proved on.

use crate::process::{self, cargo};
use crate::{kafka, test};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::PathBuf;

/// The binary of the platform in a debug build.
pub(super) fn platform(no_build: bool) -> Result<PathBuf> {
    test::install_missing(true, true, false)?;
    if !no_build {
        eprintln!("==> building the platform");
        process::run(cargo(["build", "--package", "bowline", "--locked"]).arg("--quiet"))?;
    }
    let binary = target_folder()?.join("debug/bowline");
    if !binary.is_file() {
        bail!("there is no {}; run this without --no-build", binary.display());
    }
    Ok(binary)
}

/// The tiny services, and beside xtask the mock of a Kafka cluster.
pub(crate) struct Tiny {
    pub(crate) binary: PathBuf,
}

/// How they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Tiny {
    /// Builds them with cargo, unless they are taken as they are, and installs the servers that they need and that are
    /// missing.
    pub(crate) fn build(profile: Profile, no_build: bool) -> Result<Self> {
        test::install_missing(true, false, true)?;
        if !no_build {
            eprintln!("==> building the tiny services (minutes, when it is the first time)");
            kafka::install_missing()?;
            let common = ["build", "--package", "testkit", "--features", "kafka", "--locked"];
            if profile == Profile::Release {
                process::run(cargo(common).args(["--release", "--bin", "tiny"]))?;
                process::run(cargo(common).args(["--no-default-features", "--bin", "kafka-mock"]))?;
            } else {
                process::run(cargo(common).arg("--bins"))?;
            }
        }
        let folder = target_folder()?.join(if profile == Profile::Release { "release" } else { "debug" });
        let binary = folder.join("tiny");
        if !binary.is_file() {
            bail!("there is no build in {}; run this without --no-build", folder.display());
        }
        Ok(Self { binary })
    }
}

fn target_folder() -> Result<PathBuf> {
    let output = cargo(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .context("cannot run cargo")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}
