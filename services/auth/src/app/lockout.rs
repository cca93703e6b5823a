//! Failed attempts: who has to wait, and for how long.

use super::App;
use crate::domain::lockout::{Admission, Failures, Schedule};
use crate::error::{AuthError, AuthResult};
use crate::store::login_failure;
use aws_lc_rs::digest;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use contract::ids::UserId;
use std::net::IpAddr;

/// One counter.
pub(super) struct Subject {
    hash: Vec<u8>,
    schedule: Schedule,
}

impl Subject {
    /// What was typed as the address of an account, whether there is one or not.
    pub(super) fn account(email: &str) -> Self {
        Self { hash: hash("account", email), schedule: Schedule::ACCOUNT }
    }

    /// A network address. A household has a whole /64 of IPv6, so that is what counts.
    pub(super) fn address(ip: IpAddr) -> Self {
        let text = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("{:x}", u128::from(ip) >> 64),
        };
        Self { hash: hash("address", &text), schedule: Schedule::ADDRESS }
    }

    /// The old password of a person who is logged in.
    pub(super) fn password_of(user: UserId) -> Self {
        Self { hash: hash("password", &user.to_string()), schedule: Schedule::ACCOUNT }
    }
}

fn hash(kind: &str, text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, format!("{kind}\0{text}").as_bytes()).as_ref().to_vec()
}

/// An attempt that was let through.
struct Attempt {
    subject: Subject,
    /// The counter as it was.
    seen: Option<Failures>,
    /// The end of the wait that this attempt has put up for the others.
    claimed: Option<Ts>,
}

/// The subjects whose attempt was let through.
pub(super) struct Admitted(Vec<Attempt>);

impl App {
    /// Lets an attempt through, or says how long it has to wait.
    pub(super) async fn admit(&self, subjects: Vec<Subject>, now: Ts) -> AuthResult<Admitted> {
        let mut attempts = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let seen = login_failure::find(&self.db, &subject.hash).await?;
            let claimed = match subject.schedule.admit(seen, now) {
                Admission::Free => None,
                Admission::Claim(until) => Some(until),
                Admission::Locked(wait) => return Err(AuthError::Locked(wait)),
            };
            attempts.push(Attempt { subject, seen, claimed });
        }
        // Claims come last: who is turned away because of another subject has claimed nothing.
        for Attempt { subject, seen, claimed } in &attempts {
            if let (Some(until), Some(seen)) = (claimed, seen)
                && !login_failure::claim(&self.db, &subject.hash, seen.locked_until, *until).await?
            {
                return Err(AuthError::Locked(until.since(now)));
            }
        }
        Ok(Admitted(attempts))
    }
}

impl Admitted {
    /// Counts a failure for each subject. Tells whether the next attempt has to wait, where this one had not.
    pub(super) async fn failed(&self, tx: &mut Tx, now: Ts) -> Result<bool, DbError> {
        let mut locked = false;
        for Attempt { subject, claimed, .. } in &self.0 {
            let before = login_failure::lock(tx, &subject.hash, now).await?;
            // A counter at zero was made by this very statement.
            let before = (before.count > 0).then_some(before);
            let after = subject.schedule.fail(before, now);
            login_failure::set(tx, &subject.hash, after).await?;
            locked |= claimed.is_none() && after.locked_until > now;
        }
        Ok(locked)
    }

    /// Forgets the failures of the first subject, who proved to be the right one, and gives the others their claimed
    /// attempt back: whoever shares the network address has not proved anything.
    pub(super) async fn succeeded(&self, tx: &mut Tx, now: Ts) -> Result<(), DbError> {
        for (n, Attempt { subject, seen, claimed }) in self.0.iter().enumerate() {
            match claimed {
                _ if n == 0 && seen.is_some() => login_failure::delete(tx, &subject.hash).await?,
                Some(claimed) => login_failure::release(tx, &subject.hash, *claimed, now).await?,
                None => {}
            }
        }
        Ok(())
    }
}

/// Forgets the failed logins of an account whose owner proved themselves by mail.
pub(super) async fn forgive(tx: &mut Tx, email: &str) -> Result<(), DbError> {
    login_failure::delete(tx, &Subject::account(email).hash).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_of_ipv6_is_one_subject() {
        let hash = |text: &str| Subject::address(text.parse().unwrap()).hash;
        assert_eq!(hash("2001:db8:1:2::1"), hash("2001:db8:1:2:ffff::9"));
        assert_ne!(hash("2001:db8:1:2::1"), hash("2001:db8:1:3::1"));
        assert_eq!(hash("::ffff:203.0.113.9"), hash("203.0.113.9"));
        assert_ne!(hash("203.0.113.9"), hash("203.0.113.8"));
    }

    #[test]
    fn an_account_and_an_address_of_the_same_text_are_two_subjects() {
        assert_ne!(
            Subject::account("203.0.113.9").hash,
            Subject::address("203.0.113.9".parse().unwrap()).hash
        );
    }
}
