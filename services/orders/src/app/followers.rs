//! Who follows orders in this process, and the worker that tells them of news.
//!
//! However many follow, one worker looks: after a wake it reads which orders have news, and tells those who sit there. Who is
//! told reads what is new to them by themselves, so being told once too often does no harm and nothing can be missed in
//! between. While nobody follows, nobody looks.

use super::App;
use crate::store::order_list;
use chassis::db::DbError;
use chassis::stop::Stop;
use metrics::gauge;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use uuid::Uuid;

/// News that are read at once.
const AT_ONCE: i64 = 500;

/// Who follows orders in this process. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Followers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seats: Mutex<Seats>,
    most: usize,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Seats {
    /// By the order or the person that is followed.
    by_key: HashMap<Uuid, watch::Sender<()>>,
    taken: usize,
}

/// A place from which one order, or one person's, are followed.
#[derive(Debug)]
pub(crate) struct Seat {
    followers: Followers,
    key: Uuid,
    news: watch::Receiver<()>,
}

impl Followers {
    /// Nobody yet, and `most` at once at most.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Inner { seats: Mutex::default(), most, arrived: Notify::new() }))
    }

    /// Takes a seat: what happens from here on is told. `None` when all are taken.
    pub(crate) fn sit(&self, key: Uuid) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.taken >= self.0.most {
            return None;
        }
        seats.taken += 1;
        let news = seats.by_key.entry(key).or_insert_with(|| watch::channel(()).0).subscribe();
        gauge!("orders_followers").set(seats.taken as f64);
        drop(seats);
        self.0.arrived.notify_one();
        Some(Seat { followers: self.clone(), key, news })
    }

    fn is_empty(&self) -> bool {
        self.seats().taken == 0
    }

    fn tell(&self, key: &Uuid) {
        if let Some(sender) = self.seats().by_key.get(key) {
            sender.send_replace(());
        }
    }

    fn tell_all(&self) {
        self.seats().by_key.values().for_each(|sender| sender.send_replace(()));
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Resolves when there is news since the last time, or since the seat was taken.
    pub(crate) async fn news(&mut self) {
        if self.news.changed().await.is_err() {
            // The sender goes when the last seat does, and this is one.
            std::future::pending().await
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.followers.seats();
        seats.taken -= 1;
        gauge!("orders_followers").set(seats.taken as f64);
        // This one still counts among the receivers.
        if seats.by_key.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            seats.by_key.remove(&self.key);
        }
    }
}

/// Tells those who follow orders of news, until the stop.
pub(crate) async fn tell_followers(app: App, stop: Stop) -> anyhow::Result<()> {
    let mut told = None;
    while !stop.is_stopping() {
        let mut woken = pin!(app.listed.woken());
        woken.as_mut().enable();
        let pause = app.listed.patience();
        let idle = app.followers.is_empty();
        if idle {
            told = None;
        } else {
            match app.look(told).await {
                Ok((position, more)) => {
                    told = Some(position);
                    if more {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "who follows orders is told of news later"),
            }
        }
        tokio::select! {
            () = woken, if !idle => {}
            () = sleep(pause), if !idle => {}
            () = app.followers.0.arrived.notified() => {}
            () = stop.stopping() => {}
        }
    }
    Ok(())
}

impl App {
    /// Tells of what has happened since `told`, and gives the position until which all was told, and whether there is more.
    /// Without one everybody is told to look.
    async fn look(&self, told: Option<i64>) -> Result<(i64, bool), DbError> {
        let Some(told) = told else {
            let head = order_list::head(&self.db).await?;
            self.followers.tell_all();
            return Ok((head, false));
        };
        let news = order_list::list_after(&self.db, told, AT_ONCE).await?;
        for (_, order, user) in &news {
            self.followers.tell(order);
            self.followers.tell(user);
        }
        let more = i64::try_from(news.len()).is_ok_and(|read| read >= AT_ONCE);
        Ok((news.last().map_or(told, |(position, ..)| *position), more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn news_between_two_looks_are_not_missed_and_concern_who_follows() {
        let followers = Followers::new(9);
        let (key, other) = (Uuid::now_v7(), Uuid::now_v7());
        let (mut seat, mut elsewhere) = (followers.sit(key).unwrap(), followers.sit(other).unwrap());
        followers.tell(&key);
        followers.tell(&key);
        assert_eq!(seat.news().now_or_never(), Some(()), "before it was waited for");
        assert_eq!(seat.news().now_or_never(), None, "and once");
        assert_eq!(elsewhere.news().now_or_never(), None);
        followers.tell_all();
        assert_eq!(elsewhere.news().now_or_never(), Some(()));
    }

    #[test]
    fn seats_are_given_back_and_no_more_are_taken_than_there_are() {
        let followers = Followers::new(2);
        let key = Uuid::now_v7();
        let (one, two) = (followers.sit(key), followers.sit(key));
        assert!(one.is_some() && two.is_some() && followers.sit(key).is_none());
        drop(one);
        assert!(!followers.is_empty() && followers.sit(Uuid::now_v7()).is_some());
        drop(two);
        assert!(followers.is_empty());
        assert!(followers.seats().by_key.is_empty(), "nothing is kept of who has gone");
    }
}
