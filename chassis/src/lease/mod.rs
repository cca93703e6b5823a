//! Leases in a service's own database: what only one process may do at a time, shared out among those that are alive.
//!
//! A family has a fixed list of names: the shards of an outbox, the subscriptions of a service. Every process that wants
//! to work for the family joins it with [`Shares`]; each then holds about as many leases as the others. A process that
//! dies lets go when its leases run out, one that stops in order lets go at once.
//!
//! What must hold: a lease has one owner at a time, by the clocks of the processes; and since clocks and schedulers
//! cannot be trusted, whoever must not act after another has taken over checks its *fence*, a number that grows each
//! time the lease changes hands, in the transaction in which it acts ([`Held::holds`]).
//!
//! What it does not do: it does not elect one process for everything, and it is no lock for the length of a request.

mod store;

use crate::clock::Clock;
use crate::db::{Db, DbError, Tx};
use crate::stop::Stop;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;

/// This process's share of a family of leases.
#[derive(Debug)]
pub struct Shares {
    db: Db,
    clock: Clock,
    family: &'static str,
    names: Vec<String>,
    span: Duration,
    owner: Uuid,
    share: watch::Sender<Share>,
}

/// What is held at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// The leases that are held, by name.
    pub held: BTreeMap<String, Held>,
    /// How many processes take part, this one among them; 0 before the first look.
    pub members: u64,
}

/// One lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    family: &'static str,
    name: String,
    owner: Uuid,
    fence: i64,
}

impl Held {
    /// Whether the lease is still held, asked inside a transaction: as long as that is open, nobody takes it over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds(&self, t: &mut Tx) -> Result<bool, DbError> {
        store::confirm(t, self).await
    }
}

impl Shares {
    /// A share of the leases `names` of `family`, none of which is held yet. A lease lasts `span` unless it is renewed,
    /// which happens three times as often.
    #[must_use]
    pub fn new(db: Db, clock: Clock, family: &'static str, names: Vec<String>, span: Duration) -> Self {
        let (share, _) = watch::channel(Share::default());
        Self { db, clock, family, names, span, owner: Uuid::now_v7(), share }
    }

    /// What is held, now and whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Share> {
        self.share.subscribe()
    }

    /// Takes, renews and shares out until the process stops; then lets everything go. While the database is away,
    /// nothing is held once the leases have run out.
    pub async fn keep_until(&self, stop: &Stop) {
        let mut valid_until = self.clock.now();
        while !stop.is_stopping() {
            match self.refresh().await {
                Ok(share) => {
                    valid_until = self.clock.now() + self.span;
                    self.tell(share);
                }
                Err(error) => {
                    tracing::debug!(family = self.family, %error, "leases cannot be renewed");
                    if self.clock.now() >= valid_until {
                        self.tell(Share::default());
                    }
                }
            }
            tokio::select! {
                () = sleep(self.span / 3) => {}
                () = stop.stopping() => {}
            }
        }
    }

    /// Lets everything go, for others to take at once. To be called when the work that stands on the leases has ended.
    pub async fn let_go(&self) {
        self.tell(Share::default());
        if let Err(error) = store::leave(&self.db, self.family, self.owner, self.clock.now()).await {
            tracing::debug!(family = self.family, %error, "leases run out by themselves: they could not be let go");
        }
    }

    /// One look at the family: says that this process is alive, renews what it holds, takes what is free up to its fair
    /// share, and gives up what is more.
    async fn refresh(&self) -> Result<Share, DbError> {
        let now = self.clock.now();
        let (family, owner, until) = (self.family, self.owner, now + self.span);
        let mut t = self.db.begin().await?;
        if self.share.borrow().members == 0 {
            store::make(&mut t, family, &self.names, now).await?;
        }
        let members = store::join(&mut t, family, owner, now, until).await?;
        let total = i64::try_from(self.names.len()).unwrap_or(i64::MAX);
        let fair = (total + members - 1) / members.max(1);
        let mine = store::renew(&mut t, family, owner, until).await?;
        if mine < fair {
            store::take(&mut t, family, owner, now, until, fair - mine).await?;
        } else if mine > fair {
            store::give_up(&mut t, family, owner, now, mine - fair).await?;
        }
        let held = store::held(&mut t, family, owner).await?;
        t.commit().await?;
        let held = held.into_iter().map(|(name, fence)| (name.clone(), Held { family, name, owner, fence }));
        Ok(Share { held: held.collect(), members: u64::try_from(members).unwrap_or_default() })
    }

    fn tell(&self, share: Share) {
        self.share.send_if_modified(|told| {
            let news = *told != share;
            if news {
                *told = share;
            }
            news
        });
    }
}
