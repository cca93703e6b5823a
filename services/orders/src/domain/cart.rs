//! What a cart may hold, and what is shown of it.
//!
//! What must hold: a product stands in a cart once, at most [`MOST_OF_ONE`] of it, and at most [`MOST_LINES`] products; what
//! is not known of a product is absent and never nothing in its place.

use contract::catalog::Quoted;
use contract::ids::ProductId;
use contract::money::{Currency, Money};
use contract::orders::{CartLine, CartLineState, MOST_LINES, MOST_OF_ONE};
use std::collections::{HashMap, HashSet};

/// Why a cart does not take something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CartRule {
    /// More of one product than a cart takes.
    #[error("a cart takes at most {MOST_OF_ONE} of one product")]
    TooMany,
    /// More products than a cart takes.
    #[error("a cart takes at most {MOST_LINES} products")]
    Full,
}

/// So many of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The product.
    pub product: ProductId,
    /// How many, 1 at least.
    pub quantity: u32,
}

/// The lines of a cart, in the order in which they were put in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(Vec<Line>);

impl Lines {
    /// Lines as they were kept.
    #[must_use]
    pub const fn new(lines: Vec<Line>) -> Self {
        Self(lines)
    }

    /// The lines.
    #[must_use]
    pub fn as_slice(&self) -> &[Line] {
        &self.0
    }

    /// The products.
    pub fn products(&self) -> impl Iterator<Item = ProductId> {
        self.0.iter().map(|line| line.product)
    }

    /// Puts so many more of a product in.
    ///
    /// # Errors
    /// When that is more than a cart takes; nothing has changed then.
    pub fn add(&mut self, product: ProductId, more: u32) -> Result<(), CartRule> {
        let has = self.0.iter().find(|line| line.product == product).map_or(0, |line| line.quantity);
        self.set(product, has.checked_add(more).ok_or(CartRule::TooMany)?)
    }

    /// Makes it so many of a product; none takes it out.
    ///
    /// # Errors
    /// When that is more than a cart takes; nothing has changed then.
    pub fn set(&mut self, product: ProductId, quantity: u32) -> Result<(), CartRule> {
        if quantity > MOST_OF_ONE {
            return Err(CartRule::TooMany);
        }
        let place = self.0.iter().position(|line| line.product == product);
        match (place, quantity) {
            (Some(place), 0) => drop(self.0.remove(place)),
            (None, 0) => {}
            (Some(place), _) => self.0[place].quantity = quantity,
            (None, _) if self.0.len() >= MOST_LINES => return Err(CartRule::Full),
            (None, _) => self.0.push(Line { product, quantity }),
        }
        Ok(())
    }

    /// Takes another cart's lines in: of a product that both have the sum, though not more than a cart takes.
    ///
    /// # Errors
    /// When there are more products than a cart takes; nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), CartRule> {
        let mut merged = self.clone();
        for line in &other.0 {
            let has = merged.0.iter().find(|known| known.product == line.product);
            let sum = has.map_or(0, |known| known.quantity).saturating_add(line.quantity);
            merged.set(line.product, sum.min(MOST_OF_ONE))?;
        }
        *self = merged;
        Ok(())
    }
}

/// What was last known of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// The address of its image.
    pub image: Option<String>,
    /// What one cost.
    pub price: Money,
    /// Which version of its price that was.
    pub price_version: i64,
}

impl Known {
    /// What a quote says of a product.
    #[must_use]
    pub fn of(quoted: &Quoted) -> Self {
        let Quoted { name, image, price, price_version, .. } = quoted.clone();
        Self { name, image, price, price_version }
    }
}

/// What the catalog says of products at this moment.
#[derive(Debug, Clone)]
pub enum Prices {
    /// Of those that were asked for, what there is.
    Live {
        /// Which were asked for.
        asked: HashSet<ProductId>,
        /// Those that there are.
        found: HashMap<ProductId, Quoted>,
    },
    /// It gives no answer.
    Away,
}

impl Prices {
    /// What it says of a product: that there is none, or what it is; `None` when it says nothing.
    #[must_use]
    pub fn of(&self, product: ProductId) -> Option<Option<&Quoted>> {
        match self {
            Self::Live { asked, found } => asked.contains(&product).then(|| found.get(&product)),
            Self::Away => None,
        }
    }

    /// What it has said.
    pub fn found(&self) -> impl Iterator<Item = &Quoted> {
        let found = match self {
            Self::Live { found, .. } => Some(found.values()),
            Self::Away => None,
        };
        found.into_iter().flatten()
    }
}

/// What is shown of a line: with what the catalog says, otherwise with the last that is known.
#[must_use]
pub fn show(line: Line, prices: &Prices, known: Option<&Known>, currency: Currency) -> CartLine {
    let now = prices.of(line.product);
    let live = now.flatten().map(Known::of);
    let stale = now.is_none();
    let state = match now {
        Some(Some(quoted)) if quoted.active && quoted.price.currency == currency => CartLineState::ForSale,
        Some(_) => CartLineState::NotForSale,
        None => CartLineState::Unknown,
    };
    // Of a product that is gone the name helps to know which line it is; what it cost does not.
    let gone = now.is_some_and(|found| found.is_none());
    let shown = live.as_ref().or(known);
    let unit_price = shown.filter(|_| !gone).map(|shown| shown.price);
    let counts = state != CartLineState::NotForSale;
    let subtotal = unit_price.filter(|_| counts).and_then(|price| price.times(line.quantity).ok());
    CartLine {
        product_id: line.product,
        quantity: line.quantity,
        state,
        stale,
        name: shown.map(|shown| shown.name.clone()),
        image: shown.and_then(|shown| shown.image.clone()),
        unit_price,
        subtotal,
    }
}

/// What the lines that may be bought come to; `None` when the price of one is not known.
#[must_use]
pub fn subtotal(lines: &[CartLine], currency: Currency) -> Option<Money> {
    let counts = lines.iter().filter(|line| line.state != CartLineState::NotForSale);
    let amounts: Option<Vec<Money>> = counts.map(|line| line.subtotal).collect();
    Money::sum(currency, amounts?).ok()
}

#[cfg(test)]
#[path = "cart_tests.rs"]
mod tests;
