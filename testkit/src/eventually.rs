//! Waiting for a condition, never for a length of time.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;
use tokio::time::Instant;

/// How long [`eventually`] waits: far longer than anything takes on a machine that does much else, so that only a condition
/// which never comes true reaches it.
const LIMIT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What a condition may answer: `bool`, `Option` or `Result`.
pub trait Settled {
    /// What is there once the condition holds.
    type Value;

    /// The value, or how it stands now in words for the test's failure.
    ///
    /// # Errors
    /// The condition does not hold yet.
    fn settled(self) -> Result<Self::Value, String>;
}

impl Settled for bool {
    type Value = ();

    fn settled(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".to_owned()) }
    }
}

impl<T> Settled for Option<T> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Debug> Settled for Result<T, E> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.map_err(|state| format!("{state:?}"))
    }
}

/// Asks `condition` again and again, with a growing pause, until it holds; returns what it holds.
///
/// Answer `Result<T, State>` rather than `bool` where the state helps to understand the failure.
///
/// # Panics
/// The condition does not hold within 60 seconds; the message shows the last state and the caller's line.
#[track_caller]
pub fn eventually<C, F>(condition: C) -> impl Future<Output = <F::Output as Settled>::Value>
where
    C: FnMut() -> F,
    F: Future<Output: Settled>,
{
    eventually_within(LIMIT, condition)
}

/// [`eventually`] with another limit, for a promise that names a time ("within a second").
///
/// # Panics
/// The condition does not hold within `limit`, or one question alone takes longer than what is left of it.
#[track_caller]
pub fn eventually_within<C, F>(
    limit: Duration,
    mut condition: C,
) -> impl Future<Output = <F::Output as Settled>::Value>
where
    C: FnMut() -> F,
    F: Future<Output: Settled>,
{
    let caller = Location::caller();
    async move {
        let end = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        let mut last = "no answer yet".to_owned();
        loop {
            match tokio::time::timeout_at(end, condition()).await.map(Settled::settled) {
                Ok(Ok(value)) => return value,
                Ok(Err(state)) => last = state,
                Err(_) => {}
            }
            assert!(Instant::now() < end, "not within {limit:?} at {caller}; last state: {last}");
            tokio::time::sleep_until(end.min(Instant::now() + pause)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_gives_its_value() {
        let mut asked = 0;
        let value = eventually(|| {
            asked += 1;
            std::future::ready(if asked < 4 { Err(asked) } else { Ok("there") })
        });
        assert_eq!(value.await, "there");
    }

    #[tokio::test]
    #[should_panic(expected = "last state: \"two of three\"")]
    async fn a_condition_that_never_holds_fails_with_its_last_state() {
        eventually_within(Duration::from_millis(20), || async { Err::<(), _>("two of three") }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "no answer yet")]
    async fn a_question_that_hangs_does_not_hang_the_test() {
        eventually_within(Duration::from_millis(20), std::future::pending::<bool>).await;
    }
}
