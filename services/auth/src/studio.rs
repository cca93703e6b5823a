//! Pictures are made off the threads that serve requests, one at a time, with a bounded queue: one takes up to 192 MiB of memory
//! and a second of a processor, and who finds the queue full is told to come again.

use crate::domain::picture::{self, BadPicture};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pictures that wait or are at work at most. Each is kept in memory as it was sent.
const WAITING: usize = 8;

/// Why no picture was made.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The queue is full: come again in a moment.
    #[error("too many pictures are being made")]
    Busy,
    /// It is no picture that is taken.
    #[error(transparent)]
    Bad(#[from] BadPicture),
    /// A defect.
    #[error("making a picture ended without one")]
    Failed,
}

/// Where pictures are made. Clones share it.
#[derive(Debug, Clone)]
pub struct Studio {
    waiting: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Default for Studio {
    fn default() -> Self {
        Self { waiting: Arc::new(Semaphore::new(WAITING)), at_work: Arc::new(Semaphore::new(1)) }
    }
}

impl Studio {
    /// Makes what is kept of a picture; see [`picture::square`].
    ///
    /// # Errors
    /// [`StudioError::Busy`] when the queue is full, [`StudioError::Bad`] for what is no picture that is taken.
    pub async fn make(&self, sent: Bytes) -> Result<Vec<u8>, StudioError> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| StudioError::Busy)?;
        let turn = Arc::clone(&self.at_work).acquire_owned().await.map_err(|_| StudioError::Failed)?;
        let work = move || {
            // Whether or not somebody still waits for it: what is at work counts until it has ended.
            let (_place, _turn) = (place, turn);
            picture::square(&sent)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(made) => Ok(made?),
            Err(ended) if ended.is_panic() => {
                tracing::warn!("a picture was given up: decoding it panicked");
                Err(StudioError::Bad(BadPicture::Broken))
            }
            Err(_) => Err(StudioError::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_to_come_again() {
        let studio = Studio::default();
        let all = Arc::clone(&studio.waiting).acquire_many_owned(8).await.unwrap();
        assert!(matches!(studio.make(Bytes::new()).await, Err(StudioError::Busy)));
        drop(all);
        assert!(matches!(studio.make(Bytes::new()).await, Err(StudioError::Bad(BadPicture::Unknown))));
        assert_eq!(studio.waiting.available_permits(), WAITING);
    }

    #[tokio::test]
    async fn one_is_made_at_a_time() {
        let studio = Studio::default();
        let turn = Arc::clone(&studio.at_work).acquire_owned().await.unwrap();
        let waits = studio.make(Bytes::from_static(b"x"));
        let first = async {
            tokio::task::yield_now().await;
            assert_eq!(studio.waiting.available_permits(), WAITING - 1);
            drop(turn);
        };
        let (made, ()) = tokio::join!(biased; waits, first);
        assert!(matches!(made, Err(StudioError::Bad(_))));
    }
}
