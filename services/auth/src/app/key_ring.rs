//! The signing keys of this process: read from the store, opened with the master key, and kept up to date.
//!
//! A rotation, by whatever process, is a new row; a job reads the rows every second. A key that does not open (the
//! master key was changed) still verifies what it signed, and never signs again.

use crate::domain::audit::{AuditEvent, Origin};
use crate::domain::signing_key::{MasterKey, PublishedKey, SigningKey, active, published, version};
use crate::store::{audit, key};
use arc_swap::ArcSwap;
use chassis::clock::Ts;
use chassis::db::{Db, DbError};
use contract::auth::{AuditAction, Jwks};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The first key signs from so long ago: a process that starts at the same moment on a slower clock needs it too.
const BACKDATED: Duration = Duration::from_secs(3_600);

/// Nothing can be signed: there is no key whose time has come and that the master key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no signing key opens with this master key; set the one that sealed them, or make a new key with `bowline keys rotate --now`"
)]
pub struct NoKey;

/// When a new key takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is published first and signs after this long; older keys verify until their last token has expired.
    Planned {
        /// How long verifiers have to learn of it.
        activation: Duration,
    },
    /// It signs at once and what older keys signed is void: for keys that are in wrong hands.
    Immediate,
}

/// What a rotation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatedKey {
    /// The id of the new key.
    pub kid: String,
    /// When it begins to sign.
    pub signs_from: Ts,
    /// Until when the older keys verify.
    pub old_verify_until: Ts,
}

#[derive(Default)]
struct Held {
    /// Every key that is or will be good.
    all: Vec<PublishedKey>,
    /// Those of them that open.
    usable: Vec<PublishedKey>,
    signing: HashMap<String, Arc<SigningKey>>,
}

/// The keys of this process.
pub struct KeyRing {
    held: ArcSwap<Held>,
    master: MasterKey,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kids: Vec<String> = self.held.load().all.iter().map(|key| key.kid.clone()).collect();
        f.debug_tuple("KeyRing").field(&kids).finish()
    }
}

impl KeyRing {
    /// Reads the keys, and makes the first one when there is none.
    ///
    /// # Errors
    /// When the database fails, or no key can be used ([`NoKey`]).
    pub async fn open(db: &Db, master: MasterKey, now: Ts) -> anyhow::Result<Self> {
        let ring = Self { held: ArcSwap::default(), master };
        ring.make_first(db, now).await?;
        ring.reload(db, now).await?;
        ring.signing(now)?;
        Ok(ring)
    }

    async fn make_first(&self, db: &Db, now: Ts) -> anyhow::Result<()> {
        let mut tx = db.begin().await?;
        key::lock(&mut tx).await?;
        if key::has_current(&mut tx).await? {
            return Ok(tx.rollback().await?);
        }
        let key = sealed(&self.master, now - BACKDATED)?;
        key::insert(&mut tx, &key, now).await?;
        let event = AuditEvent::new(AuditAction::SigningKeyCreated, &Origin::default());
        audit::insert(&mut tx, &event.with("kid", key.published.kid.as_str()), now).await?;
        Ok(tx.commit().await?)
    }

    /// Reads the keys again. Tells whether the published set changed.
    ///
    /// # Errors
    /// When the database fails; the keys of before stay.
    pub async fn reload(&self, db: &Db, now: Ts) -> Result<bool, DbError> {
        let kept = key::list(db, now).await?;
        let before = self.held.load();
        let all: Vec<PublishedKey> = kept.iter().map(|key| key.published.clone()).collect();
        if all == before.all {
            return Ok(false);
        }
        let mut signing = HashMap::new();
        for key in &kept {
            let kid = &key.published.kid;
            if let Some(known) = before.signing.get(kid) {
                signing.insert(kid.clone(), Arc::clone(known));
                continue;
            }
            match SigningKey::open(kid, &key.private_key, &self.master) {
                Ok(opened) => drop(signing.insert(kid.clone(), Arc::new(opened))),
                Err(error) => tracing::error!(kid, %error, "a signing key cannot be used"),
            }
        }
        let usable = all.iter().filter(|key| signing.contains_key(&key.kid)).cloned().collect();
        self.held.store(Arc::new(Held { all, usable, signing }));
        Ok(true)
    }

    /// The key that signs now.
    ///
    /// # Errors
    /// [`NoKey`] when there is none.
    pub fn signing(&self, now: Ts) -> Result<Arc<SigningKey>, NoKey> {
        let held = self.held.load();
        let key = active(&held.usable, now).ok_or(NoKey)?;
        held.signing.get(&key.kid).cloned().ok_or(NoKey)
    }

    /// The key set that verifiers need now, and its version.
    #[must_use]
    pub fn published(&self, now: Ts) -> (Jwks, String) {
        let jwks = published(&self.held.load().all, now);
        let version = version(&jwks);
        (jwks, version)
    }

    /// Adds a new key to the store and lets the older ones retire. `lifetime` is that of an access token.
    ///
    /// # Errors
    /// When the database fails or there is no randomness.
    pub async fn rotate(
        db: &Db,
        master: &MasterKey,
        rotation: Rotation,
        lifetime: Duration,
        now: Ts,
    ) -> anyhow::Result<RotatedKey> {
        let mut tx = db.begin().await?;
        key::lock(&mut tx).await?;
        let (signs_from, old_verify_until) = match rotation {
            // A minute more than a token lives, for clocks that differ and processes that learn of it late.
            Rotation::Planned { activation } if key::any_signs(&mut tx, now).await? => {
                (now + activation, now + activation + lifetime + Duration::from_secs(60))
            }
            // Where nothing signs there is nothing to wait for.
            Rotation::Planned { .. } | Rotation::Immediate => (now, now),
        };
        let key = sealed(master, signs_from)?;
        let kid = key.published.kid.clone();
        key::retire_all(&mut tx, old_verify_until).await?;
        key::insert(&mut tx, &key, now).await?;
        let event = AuditEvent::new(AuditAction::SigningKeyCreated, &Origin::default());
        let event = event.with("kid", kid.as_str()).with("immediate", rotation == Rotation::Immediate);
        audit::insert(&mut tx, &event, now).await?;
        tx.commit().await?;
        Ok(RotatedKey { kid, signs_from, old_verify_until })
    }
}

fn sealed(master: &MasterKey, signs_from: Ts) -> anyhow::Result<key::Kept> {
    let key = SigningKey::generate()?;
    let published = PublishedKey {
        kid: key.kid().to_owned(),
        public: key.public().to_vec(),
        signs_from,
        verifies_until: None,
    };
    Ok(key::Kept { published, private_key: key.seal(master)? })
}
