//! Flags: what can be turned on, off, or on for some while the platform runs.
//!
//! A service declares its flags as constants ([`Flag`]) and asks for each at its build ([`Context::flag`]). What a flag is set
//! to stands in the section `flags` of the settings. The file is read again while the process runs (`reload_secs`), so a
//! change of it holds in every instance that reads that file without a restart.
//!
//! What must hold:
//! - A flag that nobody declared is an error, like any other setting; so is asking for one that was not declared.
//! - A file that cannot be read, or is wrong, changes nothing: what held before holds on, and it is logged once.
//! - Who is in a share is decided by the flag's name and the id alone: it is the same in every instance, at every time, and
//!   whoever is in at 10% is in at 20%. Two flags choose independently.
//!
//! What it does not do: it is no way to keep secrets or rights, instances may differ for as long as they take to read the file,
//! and a flag that variables of the environment set stays as it is until a restart.
//!
//! [`Context::flag`]: crate::service::Context::flag

mod rule;

pub use rule::Rule;

use crate::config::{Loader, Sources};
use arc_swap::ArcSwap;
use metrics::gauge;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// The section of the settings.
const SECTION: &str = "flags";
const ABOUT: &str = "Flags. Each is `on`, `off`, a share such as `25%`, ids for whom it is on, or a share and ids with commas \
    between. In the file they can be changed while the process runs.";

/// A flag as a service declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    name: &'static str,
    about: &'static str,
    default: bool,
}

impl Flag {
    /// A flag that is on unless it is set. The name is one word of lower-case letters and `_`, unique in the platform.
    #[must_use]
    pub const fn on(name: &'static str, about: &'static str) -> Self {
        Self { name, about, default: true }
    }

    /// A flag that is off unless it is set.
    #[must_use]
    pub const fn off(name: &'static str, about: &'static str) -> Self {
        Self { name, about, default: false }
    }

    /// Its name in the settings.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// One flag, for whoever asks it. Cheap to clone; clones see the same changes.
#[derive(Debug, Clone)]
pub struct Switch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    flag: Flag,
    rule: ArcSwap<Rule>,
}

impl Switch {
    fn new(flag: Flag, rule: Rule) -> Self {
        let switch = Self(Arc::new(Inner { flag, rule: ArcSwap::from_pointee(rule) }));
        switch.tell();
        switch
    }

    /// Whether it is on for everybody.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.rule.load().is_on()
    }

    /// Whether it is on for this user, or whatever the id stands for.
    #[must_use]
    pub fn is_on_for(&self, id: Uuid) -> bool {
        self.0.rule.load().is_on_for(self.0.flag.name, id)
    }

    fn set(&self, rule: &Rule) {
        let before = self.0.rule.load_full();
        if *before == *rule {
            return;
        }
        self.0.rule.store(Arc::new(rule.clone()));
        self.tell();
        tracing::info!(flag = self.0.flag.name, %before, now = %rule, "a flag was changed");
    }

    fn tell(&self) {
        gauge!("flag_share", "flag" => self.0.flag.name).set(self.0.rule.load().share());
    }
}

/// All flags of a process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Flags(Arc<BTreeMap<&'static str, Switch>>);

impl Flags {
    /// Reads the section of the settings.
    pub(crate) fn load(declared: &[Flag], loader: &mut Loader) -> Self {
        let rules = read(declared, loader);
        let switch = |flag: &Flag| {
            let rule = rules.get(flag.name).cloned().unwrap_or_else(|| Rule::of(flag.default));
            (flag.name, Switch::new(*flag, rule))
        };
        let mut switches = BTreeMap::new();
        for (name, switch) in declared.iter().map(switch) {
            switches.entry(name).or_insert(switch);
        }
        Self(Arc::new(switches))
    }

    /// One flag.
    ///
    /// # Errors
    /// When no service declares it, or one declares it otherwise.
    pub(crate) fn switch(&self, flag: &Flag) -> anyhow::Result<Switch> {
        let found = self.0.get(flag.name);
        let switch = found.ok_or_else(|| anyhow::anyhow!("no service declares the flag {:?}", flag.name))?;
        anyhow::ensure!(switch.0.flag == *flag, "the flag {:?} is declared in two ways", flag.name);
        Ok(switch.clone())
    }

    /// What they are set to, by name.
    #[must_use]
    pub fn read(&self) -> BTreeMap<&'static str, String> {
        self.0.iter().map(|(name, switch)| (*name, switch.0.rule.load().to_string())).collect()
    }

    /// Takes over what sources say that were read again.
    ///
    /// # Errors
    /// Everything that is wrong with the section; then nothing has changed.
    pub(crate) fn take_over(&self, sources: Sources) -> Result<(), crate::config::ConfigErrors> {
        let declared: Vec<Flag> = self.0.values().map(|switch| switch.0.flag).collect();
        let mut loader = Loader::new(sources, crate::config::Mode::Development);
        let rules = read(&declared, &mut loader);
        loader.finish_part()?;
        for (name, switch) in self.0.iter() {
            if let Some(rule) = rules.get(*name) {
                switch.set(rule);
            }
        }
        Ok(())
    }
}

fn read(declared: &[Flag], loader: &mut Loader) -> BTreeMap<String, Rule> {
    let mut keys: Vec<(&str, &str, Rule)> = Vec::new();
    for flag in declared {
        if keys.iter().all(|(name, ..)| *name != flag.name) {
            keys.push((flag.name, flag.about, Rule::of(flag.default)));
        }
    }
    loader.table(SECTION, ABOUT, &keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BETA: Flag = Flag::off("beta", "A test.");
    const OPEN: Flag = Flag::on("open", "A test.");

    fn sources(toml: &str) -> Sources {
        Sources::from_parts(Some(toml), [] as [(&str, &str); 0])
    }

    fn flags(toml: &str) -> Flags {
        let mut loader = Loader::new(sources(toml), crate::config::Mode::Development);
        let flags = Flags::load(&[BETA, OPEN], &mut loader);
        loader.finish().unwrap();
        flags
    }

    #[test]
    fn a_flag_is_as_declared_until_it_is_set() {
        let flags = flags("");
        assert!(!flags.switch(&BETA).unwrap().is_on() && flags.switch(&OPEN).unwrap().is_on());
        let set = self::flags("[flags]\nbeta = true\nopen = \"off\"");
        assert!(set.switch(&BETA).unwrap().is_on() && !set.switch(&OPEN).unwrap().is_on());
    }

    #[test]
    fn a_change_holds_for_those_who_asked_before() {
        let flags = flags("");
        let beta = flags.switch(&BETA).unwrap();
        flags.take_over(sources("[http]\nport = 1\n[flags]\nbeta = true")).unwrap();
        assert!(beta.is_on());
        flags.take_over(sources("")).unwrap();
        assert!(!beta.is_on(), "what is no longer set is as declared");
    }

    #[test]
    fn what_is_wrong_changes_nothing() {
        let flags = flags("[flags]\nbeta = true");
        let beta = flags.switch(&BETA).unwrap();
        for wrong in ["[flags]\nbeta = \"maybe\"", "[flags]\nbeta = false\nbetta = true", "[flags"] {
            assert!(flags.take_over(sources(wrong)).is_err(), "{wrong}");
            assert!(beta.is_on(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_that_nobody_declared_cannot_be_asked() {
        let flags = flags("");
        assert!(flags.switch(&Flag::on("other", "")).is_err());
        assert!(flags.switch(&Flag::on("beta", "A test.")).is_err());
    }
}
