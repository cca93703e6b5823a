//! The stock of a product and what changes it. Every change is a line of the ledger.
//!
//! What must hold after each: nothing is below 0, and no more is reserved than is there.

use contract::ids::{ProductId, UserId};
use contract::inventory::{AdjustmentKind, MovementKind};

/// More of a product than this is a slip of the keyboard.
pub const MOST: i64 = 1_000_000_000;

/// The stock of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// The product.
    pub product: ProductId,
    /// Who sells it.
    pub vendor: UserId,
    /// How many are there, reserved ones included.
    pub on_hand: i64,
    /// How many of them are reserved.
    pub reserved: i64,
    /// Below so many that can be had, it is told.
    pub reorder_level: i64,
    /// Whether it was told.
    pub low_told: bool,
    /// The number of its last line in the ledger.
    pub sequence: i64,
    /// Whether the catalog no longer has it.
    pub removed: bool,
}

/// What happens to the stock of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Kept for a checkout.
    Reserve(u32),
    /// No longer kept.
    Release(u32),
    /// No longer kept, because its time was over.
    Expire(u32),
    /// What was kept leaves.
    Commit(u32),
    /// What was not kept any more leaves.
    Retake(u32),
    /// Goods come back.
    Return(u32),
    /// Somebody has counted.
    Adjust(AdjustmentKind, i32),
}

/// What a change has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// How many more are there.
    pub on_hand: i64,
    /// How many more are reserved.
    pub reserved: i64,
}

/// Why a change cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Less would be there than is reserved.
    #[error("only {available} can be had")]
    TooLittle {
        /// How many can be had.
        available: u32,
    },
    /// More would be there than anybody can count.
    #[error("more than {MOST} of a product")]
    TooMuch,
    /// Less than nothing would be reserved: the books are wrong.
    #[error("less would be reserved than nothing")]
    NotReserved,
}

impl Change {
    /// What the ledger calls it.
    #[must_use]
    pub const fn kind(self) -> MovementKind {
        match self {
            Self::Reserve(_) => MovementKind::Reserve,
            Self::Release(_) => MovementKind::Release,
            Self::Expire(_) => MovementKind::Expire,
            Self::Commit(_) | Self::Retake(_) => MovementKind::Commit,
            Self::Return(_) | Self::Adjust(AdjustmentKind::Return, _) => MovementKind::Return,
            Self::Adjust(AdjustmentKind::Purchase, _) => MovementKind::Purchase,
            Self::Adjust(AdjustmentKind::Damage, _) => MovementKind::Damage,
            Self::Adjust(AdjustmentKind::Adjustment, _) => MovementKind::Adjustment,
        }
    }

    fn changed(self) -> Changed {
        let (on_hand, reserved) = match self {
            Self::Reserve(n) => (0, i64::from(n)),
            Self::Release(n) | Self::Expire(n) => (0, -i64::from(n)),
            Self::Commit(n) => (-i64::from(n), -i64::from(n)),
            Self::Retake(n) => (-i64::from(n), 0),
            Self::Return(n) => (i64::from(n), 0),
            Self::Adjust(_, n) => (i64::from(n), 0),
        };
        Changed { on_hand, reserved }
    }
}

/// Whether a count may be written down so: what is bought or comes back is more, what is spoilt is less, and nothing is no
/// change.
#[must_use]
pub const fn is_plausible(kind: AdjustmentKind, quantity: i32) -> bool {
    match kind {
        AdjustmentKind::Purchase | AdjustmentKind::Return => quantity > 0,
        AdjustmentKind::Damage => quantity < 0,
        AdjustmentKind::Adjustment => quantity != 0,
    }
}

impl Stock {
    /// How many can be had.
    #[must_use]
    pub fn available(&self) -> u32 {
        u32::try_from(self.on_hand.saturating_sub(self.reserved)).unwrap_or_default()
    }

    /// Makes a change, which gets the next number of the ledger. What cannot be changes nothing.
    ///
    /// # Errors
    /// [`Misfit`] says why not.
    pub fn apply(&mut self, change: Change) -> Result<Changed, Misfit> {
        let changed = change.changed();
        let (on_hand, reserved) = (self.on_hand + changed.on_hand, self.reserved + changed.reserved);
        if reserved < 0 {
            return Err(Misfit::NotReserved);
        }
        if on_hand < reserved {
            return Err(Misfit::TooLittle { available: self.available() });
        }
        if on_hand > MOST {
            return Err(Misfit::TooMuch);
        }
        (self.on_hand, self.reserved) = (on_hand, reserved);
        self.sequence += 1;
        Ok(changed)
    }

    /// Looks at the reorder level after changes: whether it is to be told now that there is too little. It is told once until
    /// there is enough again.
    pub fn turns_low(&mut self) -> bool {
        let low = i64::from(self.available()) < self.reorder_level;
        let told = std::mem::replace(&mut self.low_told, low);
        low && !told && !self.removed
    }

    /// A product with so many of which so many are reserved, for tests.
    #[cfg(test)]
    pub(crate) fn holding(product: ProductId, on_hand: i64, reserved: i64) -> Self {
        let vendor = UserId(uuid::Uuid::nil());
        let (reorder_level, low_told, sequence, removed) = (10, false, 0, false);
        Self { product, vendor, on_hand, reserved, reorder_level, low_told, sequence, removed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holding(on_hand: i64, reserved: i64) -> Stock {
        Stock::holding(ProductId::new(), on_hand, reserved)
    }

    #[test]
    fn what_is_reserved_cannot_be_reserved_again() {
        let mut stock = holding(5, 0);
        assert!(stock.apply(Change::Reserve(5)).is_ok());
        let before = stock.clone();
        assert_eq!(stock.apply(Change::Reserve(1)), Err(Misfit::TooLittle { available: 0 }));
        assert_eq!(stock, before);
    }

    #[test]
    fn damage_takes_nothing_that_somebody_has_reserved() {
        let mut stock = holding(5, 4);
        let damage = |n| Change::Adjust(AdjustmentKind::Damage, n);
        assert_eq!(stock.apply(damage(-2)), Err(Misfit::TooLittle { available: 1 }));
        assert_eq!(stock.apply(damage(-1)), Ok(Changed { on_hand: -1, reserved: 0 }));
    }

    #[test]
    fn more_than_can_be_counted_is_refused() {
        let mut stock = holding(MOST, 0);
        assert_eq!(stock.apply(Change::Return(1)), Err(Misfit::TooMuch));
    }

    #[test]
    fn too_little_is_told_once_until_there_is_enough_again() {
        let mut stock = holding(12, 0);
        let mut told = Vec::new();
        for change in [
            Change::Reserve(2),
            Change::Reserve(1),
            Change::Commit(1),
            Change::Release(1),
            Change::Return(1),
            Change::Reserve(3),
        ] {
            stock.apply(change).unwrap();
            told.push(stock.turns_low());
        }
        assert_eq!(told, [false, true, false, false, false, true]);
    }

    #[test]
    fn a_purchase_is_more_and_damage_is_less() {
        assert!(is_plausible(AdjustmentKind::Purchase, 1) && !is_plausible(AdjustmentKind::Purchase, -1));
        assert!(is_plausible(AdjustmentKind::Damage, -1) && !is_plausible(AdjustmentKind::Damage, 1));
        assert!(is_plausible(AdjustmentKind::Adjustment, -1) && !is_plausible(AdjustmentKind::Adjustment, 0));
    }

    fn any_change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (0_u32..20).prop_map(Change::Reserve),
            (0_u32..20).prop_map(Change::Release),
            (0_u32..20).prop_map(Change::Expire),
            (0_u32..20).prop_map(Change::Commit),
            (0_u32..20).prop_map(Change::Retake),
            (0_u32..20).prop_map(Change::Return),
            (-20_i32..20).prop_map(|n| Change::Adjust(AdjustmentKind::Adjustment, n)),
            Just(Change::Return(u32::MAX)),
        ]
    }

    proptest! {
        #[test]
        fn no_changes_whatever_break_the_books(changes in prop::collection::vec(any_change(), 0..60)) {
            let mut stock = holding(10, 0);
            let (mut on_hand, mut reserved, mut lines) = (10, 0, 0);
            for change in changes {
                let before = stock.clone();
                match stock.apply(change) {
                    Ok(changed) => {
                        on_hand += changed.on_hand;
                        reserved += changed.reserved;
                        lines += 1;
                    }
                    Err(_) => prop_assert_eq!(&stock, &before),
                }
                prop_assert!(stock.reserved >= 0 && stock.on_hand >= stock.reserved && stock.on_hand <= MOST);
                prop_assert_eq!((stock.on_hand, stock.reserved, stock.sequence), (on_hand, reserved, lines));
            }
        }
    }
}
