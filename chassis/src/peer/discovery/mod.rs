//! Finds out where the instances of peers are, and keeps knowing it.
//!
//! What must hold: whatever is asked fails, answers nothing, or is away for hours, the instances that were known last stay
//! known. A change is noticed within `discovery.refresh_secs` with DNS, within a second with Consul. What an instance is
//! worth is not decided here: calls find that out.

mod consul;
mod dns;

pub use consul::ByConsul;
pub use dns::ByDns;

use super::address::Address;
use super::base::Base;
use super::instances::Instances;
use super::remote::Remote;
use crate::config::{Mode, Problems, Validate, settings};
use crate::resilience::Backoff;
use crate::stop::Stop;
use metrics::{counter, gauge};
use secrecy::SecretString;
use std::time::Duration;

settings! {
    /// How instances of peers are found: for peers whose setting begins with `dns+` or `consul+`.
    pub struct DiscoveryConfig {
        /// Seconds between two questions to DNS. A question to Consul waits for this long for news.
        refresh_secs: u64 = 10;
        /// Token that Consul's API wants to see.
        consul_token: Option<SecretString> = None;
    }
}

impl Validate for DiscoveryConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("refresh_secs", self.refresh_secs, 1..=300);
    }
}

impl DiscoveryConfig {
    fn refresh(&self) -> Duration {
        Duration::from_secs(self.refresh_secs)
    }
}

/// After a question that failed; with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Follows where the instances of one peer are, until the stop. Returns at once when they are listed in the settings.
pub(super) async fn follow(remote: &Remote, config: &DiscoveryConfig, stop: &Stop) {
    let known = Known::new(remote.name, remote.address.kind(), &remote.instances);
    match &remote.address {
        Address::Fixed(_) => {}
        Address::Dns(base) => keep(&known, ByDns::new(base, config.refresh()), stop).await,
        Address::Consul(catalogue) => {
            let source = ByConsul::new(catalogue, config.consul_token.as_ref(), config.refresh());
            keep(&known, source, stop).await;
        }
    }
}

/// Who knows where instances are.
pub trait Source: Send {
    /// How an instance is named.
    type Found: Send;

    /// How long after an answer the next question is asked.
    fn pause(&self) -> Duration;

    /// The instances.
    fn ask(&mut self) -> impl Future<Output = anyhow::Result<Vec<Self::Found>>> + Send;
}

async fn keep(known: &Known<'_>, source: impl Source<Found = Base>, stop: &Stop) {
    let mut failing = false;
    keep_asking(source, |answer| known.heard(answer, &mut failing), stop).await;
}

/// Asks again and again, until the stop. `hear` takes an answer in and says whether it was one; after one that was none
/// the pause grows.
pub async fn keep_asking<S: Source>(
    mut source: S,
    mut hear: impl FnMut(anyhow::Result<Vec<S::Found>>) -> bool + Send,
    stop: &Stop,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let answer = tokio::select! {
            answer = source.ask() => answer,
            () = stop.stopping() => return,
        };
        let pause = match hear(answer) {
            true => {
                backoff.reset();
                source.pause()
            }
            false => FIRST_PAUSE / 2 + backoff.next_pause(),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopping() => return,
        }
    }
}

/// What is known of a peer, and who told it.
pub(super) struct Known<'a> {
    peer: &'static str,
    by: &'static str,
    instances: &'a Instances,
}

impl<'a> Known<'a> {
    pub(super) fn new(peer: &'static str, by: &'static str, instances: &'a Instances) -> Self {
        Self { peer, by, instances }
    }

    /// Takes an answer in; whether it was one.
    fn heard(&self, answer: anyhow::Result<Vec<Base>>, failing: &mut bool) -> bool {
        let Self { peer, by, .. } = *self;
        let (outcome, trouble) = match answer {
            Ok(bases) if bases.is_empty() => ("empty", Some("it knows no healthy instance".to_owned())),
            Ok(bases) => (if self.learn(bases) { "changed" } else { "same" }, None),
            Err(error) => ("failed", Some(format!("{error:#}"))),
        };
        counter!("peer_discoveries_total", "peer" => peer, "outcome" => outcome).increment(1);
        match (&trouble, *failing) {
            (Some(trouble), false) => {
                tracing::warn!(peer, by, trouble, "discovery gives no instances; those known last are kept");
            }
            (None, true) => tracing::info!(peer, by, "discovery gives instances again"),
            _ => {}
        }
        *failing = trouble.is_some();
        trouble.is_none()
    }

    /// Whether there was something new.
    pub(super) fn learn(&self, bases: Vec<Base>) -> bool {
        let Self { peer, by, instances } = *self;
        let Some(change) = instances.learn(bases) else { return false };
        tracing::info!(
            peer,
            by,
            new = change.new,
            gone = change.gone,
            instances = change.all,
            "instances of a peer"
        );
        gauge!("peer_instances", "peer" => peer).set(u32::try_from(change.all).unwrap_or(u32::MAX));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::BreakerConfig;
    use crate::stop::{self, Stopper};
    use anyhow::bail;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    fn bases(names: &[&str]) -> Vec<Base> {
        names.iter().map(|name| Base::parse(&format!("http://{name}")).unwrap()).collect()
    }

    /// Gives these answers, notes what is known before each, and then stops.
    struct Script<'a> {
        answers: VecDeque<anyhow::Result<Vec<Base>>>,
        instances: &'a Instances,
        seen: &'a Mutex<Vec<Vec<String>>>,
        stopper: Stopper,
    }

    impl Source for Script<'_> {
        type Found = Base;

        fn pause(&self) -> Duration {
            Duration::from_secs(1)
        }

        async fn ask(&mut self) -> anyhow::Result<Vec<Base>> {
            let known = self.instances.list().iter().map(|one| one.base.host().to_owned()).collect();
            self.seen.lock().unwrap().push(known);
            self.answers.pop_front().unwrap_or_else(|| {
                self.stopper.stop();
                bail!("the test is over")
            })
        }
    }

    /// What is known before each of these answers, and after the last.
    async fn known_before(answers: Vec<anyhow::Result<Vec<Base>>>) -> Vec<Vec<String>> {
        let instances = Instances::new("things", BreakerConfig::default());
        let (stopper, stop) = stop::channel();
        let seen = Mutex::default();
        let script = Script { answers: answers.into(), instances: &instances, seen: &seen, stopper };
        keep(&Known::new("things", "test", &instances), script, &stop).await;
        seen.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_known_instances_outlive_errors_and_empty_answers() {
        let seen = known_before(vec![
            Ok(bases(&["a", "b"])),
            Err(anyhow::anyhow!("no answer")),
            Ok(Vec::new()),
            Ok(bases(&["b", "c"])),
        ])
        .await;
        assert_eq!(seen, [vec![], vec!["a", "b"], vec!["a", "b"], vec!["a", "b"], vec!["c", "b"]]);
    }
}
