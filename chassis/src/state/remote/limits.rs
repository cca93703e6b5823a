//! Limits on Redis. A server decides all limits of a call in one script. On a cluster a script reaches one slot, so there is
//! one for each subject, all under way at the same time.

use super::super::StateError;
use super::super::limit::{DecidedBy, Decisions, Limit, decide};
use super::{GIVE_BACK, LIMIT, Remote, window_of};
use futures_util::future::join_all;

/// Limits that one script can decide, with their places in the call.
struct Group<'a> {
    subject: &'a str,
    places: Vec<usize>,
    limits: Vec<&'a Limit>,
    keys: Vec<String>,
}

/// What a script said.
struct Counted {
    allowed: bool,
    /// The server's time, in microseconds.
    now: i64,
    /// How far ahead of it each window was used up before.
    ahead: Vec<i64>,
}

impl Remote {
    /// Decides the limits; while Redis is away or refuses, this process decides alone.
    pub(in super::super) async fn limits(&self, asked: &[(&str, &Limit)]) -> Result<Decisions, StateError> {
        if self.gate.lets_through() {
            match self.count(asked).await {
                Ok(ahead) => {
                    if self.gate.open() {
                        tracing::info!("limits are counted by Redis again");
                    }
                    return Ok(decide(asked, &ahead, DecidedBy::Redis));
                }
                Err(StateError::Closed) => return Err(StateError::Closed),
                Err(error) => {
                    if self.gate.close() {
                        tracing::warn!(%error, "limits are counted by this process alone until Redis is back");
                    }
                }
            }
        }
        // The subjects have the name of the service before them already.
        Ok(self.fallback.windows.decide("", asked, DecidedBy::Fallback))
    }

    /// Counts in all windows or in none, and tells how far ahead each was used up before.
    async fn count(&self, asked: &[(&str, &Limit)]) -> Result<Vec<i64>, StateError> {
        let groups = groups(asked, self.link.is_cluster());
        let answers = join_all(groups.iter().map(|group| self.count_in(group))).await;
        let all = answers.iter().all(|answer| answer.as_ref().is_ok_and(|counted| counted.allowed));
        if !all && groups.len() > 1 {
            self.give_back(&groups, &answers).await;
        }
        let mut ahead = vec![0; asked.len()];
        for (group, answer) in groups.iter().zip(answers) {
            for (place, found) in group.places.iter().zip(answer?.ahead) {
                if let Some(ahead) = ahead.get_mut(*place) {
                    *ahead = found;
                }
            }
        }
        Ok(ahead)
    }

    async fn count_in(&self, group: &Group<'_>) -> Result<Counted, StateError> {
        let asked = self.script(&LIMIT, &group.keys, |run| {
            group.limits.iter().fold(run, |run, limit| run.arg(limit.capacity()).arg(limit.advance()))
        });
        let answer: Vec<i64> = asked.await?;
        match *answer.as_slice() {
            [allowed, now, ref ahead @ ..] if ahead.len() == group.keys.len() => {
                Ok(Counted { allowed: allowed == 1, now, ahead: ahead.to_vec() })
            }
            _ => Err(StateError::Refused("an answer about limits that is none".to_owned())),
        }
    }

    /// Takes back what was counted where others refused or did not answer, so that the windows are as they were.
    ///
    /// A window that has run out since then has nothing left of it; so no more is taken back than is still ahead of now,
    /// which is never more than what the call has put there, whoever counted in between.
    async fn give_back(&self, groups: &[Group<'_>], answers: &[Result<Counted, StateError>]) {
        let returned = groups.iter().zip(answers).filter_map(|(group, answer)| {
            let Counted { now, ahead, .. } = answer.as_ref().ok().filter(|counted| counted.allowed)?;
            let windows = group.limits.iter().zip(ahead);
            let windows = windows.map(move |(limit, ahead)| (now + ahead + limit.advance(), limit.advance()));
            Some(async move {
                let done = self.script::<i64>(&GIVE_BACK, &group.keys, |run| {
                    windows.fold(run, |run, (until, advance)| run.arg(until).arg(advance))
                });
                if let Err(error) = done.await {
                    // It stays counted: stricter than the limit, for as long as its window.
                    tracing::debug!(subject = group.subject, %error, "a count was not given back");
                }
            })
        });
        join_all(returned).await;
    }
}

/// The scripts that a call needs: one on a server, one a subject on a cluster.
fn groups<'a>(asked: &[(&'a str, &'a Limit)], is_cluster: bool) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(1);
    for (place, (subject, limit)) in asked.iter().enumerate() {
        let known = groups.iter().position(|group| !is_cluster || group.subject == *subject);
        let at = known.unwrap_or_else(|| {
            groups.push(Group { subject, places: Vec::new(), limits: Vec::new(), keys: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.places.push(place);
            group.limits.push(limit);
            group.keys.push(window_of(subject, limit));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_server_needs_one_script_and_a_cluster_one_a_subject() {
        let limit = |name: &'static str| Limit::new(name, 1, Duration::from_secs(1)).unwrap();
        let (a, b, c) = (limit("a"), limit("b"), limit("c"));
        let shape = |is_cluster| -> Vec<Vec<usize>> {
            let groups = groups(&[("x", &a), ("y", &b), ("x", &c)], is_cluster);
            groups.into_iter().map(|group| group.places).collect()
        };
        assert_eq!(shape(false), [vec![0, 1, 2]]);
        assert_eq!(shape(true), [vec![0, 2], vec![1]]);
    }
}
