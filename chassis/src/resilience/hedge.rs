//! A second attempt beside one that takes long, for reads: the answer that comes first is taken.

use super::Budget;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

/// Makes an attempt, and after `after` without an answer a second one beside it, when the budget grants a retry. The first
/// success is the answer; the other attempt is dropped. A failure is the answer when nothing else is under way. Only for what
/// may be done twice.
///
/// # Errors
/// Those of the attempts.
pub async fn hedged_within<T, E, Fut>(
    after: Duration,
    budget: &Budget,
    attempt: impl Fn() -> Fut,
) -> Result<T, E>
where
    Fut: Future<Output = Result<T, E>>,
{
    let first = pin!(attempt());
    let first = match select(first, pin!(sleep(after))).await {
        Either::Left((answer, _)) => return answer,
        Either::Right(((), first)) => first,
    };
    if !budget.try_retry() {
        return first.await;
    }
    match select(first, pin!(attempt())).await {
        Either::Left((Err(_), second)) => second.await,
        Either::Right((Err(_), first)) => first.await,
        Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::BudgetConfig;
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn budget() -> Budget {
        Budget::new(BudgetConfig::default())
    }

    const SOON: Duration = Duration::from_millis(5);
    const NEVER: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn an_answer_in_time_needs_no_second_attempt() {
        let budget = budget();
        let attempts = AtomicU32::new(0);
        let answer =
            hedged_within(NEVER, &budget, || async { Ok::<_, ()>(attempts.fetch_add(1, Ordering::Relaxed)) });
        assert_eq!(answer.await, Ok(0));
        assert_eq!(attempts.into_inner(), 1);
    }

    #[tokio::test]
    async fn beside_an_attempt_that_hangs_the_second_answers() {
        let budget = budget();
        let attempts = AtomicU32::new(0);
        let answer = hedged_within(SOON, &budget, || async {
            match attempts.fetch_add(1, Ordering::Relaxed) {
                0 => pending().await,
                number => Ok::<_, ()>(number),
            }
        });
        assert_eq!(answer.await, Ok(1));
    }

    #[tokio::test]
    async fn a_failure_of_one_attempt_leaves_the_other_its_chance() {
        let budget = budget();
        let attempts = AtomicU32::new(0);
        let answer = hedged_within(SOON, &budget, || async {
            match attempts.fetch_add(1, Ordering::Relaxed) {
                0 => {
                    sleep(8 * SOON).await;
                    Ok("slow")
                }
                _ => Err("fast and wrong"),
            }
        });
        assert_eq!(answer.await, Ok("slow"));
    }

    #[tokio::test]
    async fn a_failure_in_time_is_the_answer() {
        let budget = budget();
        let answer: Result<(), _> = hedged_within(NEVER, &budget, || async { Err("no") }).await;
        assert_eq!(answer, Err("no"));
    }

    #[tokio::test]
    async fn without_a_budget_there_is_no_second_attempt() {
        let budget = Budget::new(BudgetConfig { ratio: 0.0, floor: 0.0 });
        let attempts = AtomicU32::new(0);
        let answer = hedged_within(SOON, &budget, || async {
            attempts.fetch_add(1, Ordering::Relaxed);
            sleep(4 * SOON).await;
            Ok::<_, ()>("slow")
        });
        assert_eq!(answer.await, Ok("slow"));
        assert_eq!(attempts.into_inner(), 1);
    }
}
