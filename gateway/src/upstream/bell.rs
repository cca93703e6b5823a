//! How a connection wakes the request that drives it, and nobody else.
//!
//! hyper's connection and the halves that a request holds of it wake each other whenever one hands something to the other.
//! Where one task polls both, each of these wakings is that task waking itself: it would be polled once more for nothing. So
//! the connection knows one waker for all its life, this bell, which is silent while the task has the connection in its hands
//! anyway, and while nobody uses the connection.
//!
//! What must hold: what rang in silence is not lost. Who is about to wait asks [`Bell::listen`] first and looks again when it
//! says that something rang.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Wake, Waker};

/// Silent when it is made.
#[derive(Debug, Default)]
pub(super) struct Bell {
    heard: AtomicBool,
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Bell {
    /// Rings for this task from now on.
    pub(super) fn belong(&self, task: &Waker) {
        self.task.register(task);
    }

    /// It is heard from now on. Whether it rang in the silence before.
    pub(super) fn listen(&self) -> bool {
        self.heard.store(true, SeqCst);
        self.rang.swap(false, SeqCst)
    }

    /// Silence from now on.
    pub(super) fn mute(&self) {
        self.heard.store(false, SeqCst);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.heard.load(SeqCst) {
            self.rang.store(true, SeqCst);
            // Whoever began to listen between the two has not seen it.
            if !self.heard.load(SeqCst) {
                return;
            }
        }
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn what_rings_in_silence_wakes_nobody_and_is_told_to_who_listens_next() {
        let (task, bell) = (Arc::new(Task::default()), Arc::new(Bell::default()));
        bell.belong(&task.clone().into());
        let waker = Waker::from(bell.clone());
        waker.wake_by_ref();
        assert_eq!(task.0.load(SeqCst), 0);
        assert!(bell.listen(), "it rang");
        assert!(!bell.listen(), "that was told");
        waker.wake_by_ref();
        assert_eq!(task.0.load(SeqCst), 1);
        bell.mute();
        waker.wake_by_ref();
        assert_eq!(task.0.load(SeqCst), 1);
    }
}
