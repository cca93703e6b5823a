//! Carts: shown, changed, merged, and taken by a checkout.
//!
//! What must hold: a change begins with the lock of its cart, so that no two get lost in one another; the catalog is asked
//! before that and never while a transaction is open; a cart is emptied only in the transaction that makes an order of it, and
//! only when it still is what was priced.

use super::App;
use crate::domain::cart::{CartRule, Known, Lines, Prices, show, subtotal};
use crate::domain::shopper::{SecretHash, Shopper, new_secret};
use crate::error::{OrdersError, OrdersResult};
use crate::store::cart::{self, CartRow};
use crate::store::known_product;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use contract::FieldError;
use contract::auth::Token;
use contract::catalog::QuoteRequest;
use contract::ids::{CartId, ProductId, UserId};
use contract::inventory::ReserveLine;
use contract::orders::{AddToCart, Cart, GuestCart};
use metrics::counter;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::timeout;

/// A person's cart as a checkout has seen it.
#[derive(Debug, Clone)]
pub(crate) struct SeenCart {
    id: CartId,
    version: i64,
    /// What is in it; never nothing.
    pub(crate) lines: Vec<ReserveLine>,
}

impl App {
    /// What is in a person's cart, for a checkout to price.
    ///
    /// # Errors
    /// [`OrdersError::CartEmpty`] when nothing is in it.
    pub(crate) async fn see_cart(&self, user: UserId) -> OrdersResult<SeenCart> {
        let found = cart::find_of(&self.db, &Shopper::User(user), self.clock.now()).await?;
        let CartRow { id, version, .. } = found.ok_or(OrdersError::CartEmpty)?;
        let lines = cart::lines(&self.db, id).await?;
        let lines = lines.as_slice().iter();
        let lines: Vec<_> =
            lines.map(|line| ReserveLine { product: line.product, quantity: line.quantity }).collect();
        if lines.is_empty() {
            return Err(OrdersError::CartEmpty);
        }
        Ok(SeenCart { id, version, lines })
    }

    /// Empties the cart that an order is made of, in the transaction that makes it.
    ///
    /// # Errors
    /// [`OrdersError::Changed`] when the cart is not what was seen any more.
    pub(crate) async fn take_for_checkout(
        &self,
        tx: &mut Tx,
        user: UserId,
        seen: &SeenCart,
    ) -> OrdersResult<()> {
        let taken = cart::take_of_user(tx, user, seen.id, seen.version).await?;
        if taken { Ok(()) } else { Err(OrdersError::Changed) }
    }

    /// A shopper's cart. A person has one always, a guest only one that was made and whose time is not over.
    pub(crate) async fn cart(&self, shopper: &Shopper) -> OrdersResult<Cart> {
        let Some(row) = cart::find_of(&self.db, shopper, self.clock.now()).await? else {
            return match shopper {
                Shopper::User(_) => {
                    Ok(self.cart_view(None, &Lines::default(), &Prices::Away, &HashMap::new()))
                }
                Shopper::Guest(_) => Err(OrdersError::NotFound("cart")),
            };
        };
        let lines = cart::lines(&self.db, row.id).await?;
        let prices = self.prices(lines.products()).await;
        let known = known_product::list_of_cart(&self.db, row.id).await?;
        for (product, now) in newer(&prices, &known) {
            known_product::remember(&self.db, product, &now, self.clock.now()).await?;
        }
        Ok(self.cart_view(Some(row), &lines, &prices, &known))
    }

    /// Makes a cart for a guest.
    pub(crate) async fn make_guest_cart(&self) -> OrdersResult<GuestCart> {
        let secret = new_secret().map_err(|_| anyhow::anyhow!("the system has no randomness"))?;
        let shopper = Shopper::Guest(SecretHash::of(&secret));
        let (id, now) = (CartId::new(), self.clock.now());
        let expires_at = now + self.cart_ttl();
        let mut tx = self.db.begin().await?;
        cart::insert(&mut tx, id, &shopper, now, expires_at).await?;
        tx.commit().await?;
        let row = CartRow { id, version: 0, expires_at };
        let cart = self.cart_view(Some(row), &Lines::default(), &Prices::Away, &HashMap::new());
        Ok(GuestCart { cart_token: secret, cart })
    }

    /// Puts so many more of a product in. While the catalog gives no answer anything is taken: what is bought is looked at
    /// again by the checkout.
    pub(crate) async fn add_to_cart(
        &self,
        shopper: &Shopper,
        request: AddToCart,
        seen: &IfMatch,
    ) -> OrdersResult<Cart> {
        let AddToCart { product_id, quantity } = request;
        let prices = self.prices_with(shopper, [product_id]).await?;
        if let Some(found) = prices.of(product_id) {
            let quoted = found.ok_or(OrdersError::NotFound("product"))?;
            if !quoted.active || quoted.price.currency != self.rules.currency {
                let line = FieldError::new("productId", "is not sold at the moment");
                return Err(OrdersError::NotForSale(vec![line]));
            }
        }
        self.change_cart(shopper, seen, &prices, |lines| lines.add(product_id, quantity)).await
    }

    /// Makes it so many of a product; none takes it out.
    pub(crate) async fn set_in_cart(
        &self,
        shopper: &Shopper,
        product: ProductId,
        quantity: u32,
        seen: &IfMatch,
    ) -> OrdersResult<Cart> {
        let prices = self.prices_with(shopper, [product]).await?;
        if quantity > 0 && prices.of(product).is_some_and(|found| found.is_none()) {
            return Err(OrdersError::NotFound("product"));
        }
        self.change_cart(shopper, seen, &prices, |lines| lines.set(product, quantity)).await
    }

    /// Takes everything out.
    pub(crate) async fn clear_cart(&self, shopper: &Shopper, seen: &IfMatch) -> OrdersResult<Cart> {
        let empty = |lines: &mut Lines| {
            *lines = Lines::default();
            Ok(())
        };
        self.change_cart(shopper, seen, &Prices::Away, empty).await
    }

    /// Takes a guest's cart into a person's, and removes it. Uncommitted: the caller commits it with its answer.
    pub(crate) async fn merge_cart(&self, user: UserId, secret: &Token) -> OrdersResult<(Tx, Cart)> {
        let (own, guest) = (Shopper::User(user), Shopper::Guest(SecretHash::of(secret)));
        let now = self.clock.now();
        let found = cart::find_of(&self.db, &guest, now).await?.ok_or(OrdersError::NotFound("cart"))?;
        let others = cart::lines(&self.db, found.id).await?;
        let prices = self.prices_with(&own, others.products()).await?;
        let mut tx = self.db.begin().await?;
        let row = self.lock_cart(&mut tx, &own).await?;
        let taken = cart::lock_of(&mut tx, &guest, now, found.expires_at).await?;
        let taken = taken.ok_or(OrdersError::NotFound("cart"))?;
        let others = cart::locked_lines(&mut tx, taken.id).await?;
        let (lines, known) = self.rewrite(&mut tx, row, &prices, |lines| lines.merge(&others)).await?;
        cart::delete(&mut tx, taken.id).await?;
        Ok((tx, self.cart_view(Some(row), &lines, &prices, &known)))
    }

    async fn change_cart(
        &self,
        shopper: &Shopper,
        seen: &IfMatch,
        prices: &Prices,
        decide: impl FnOnce(&mut Lines) -> Result<(), CartRule>,
    ) -> OrdersResult<Cart> {
        let mut tx = self.db.begin().await?;
        let row = self.lock_cart(&mut tx, shopper).await?;
        // The lock has raised the version.
        seen.check(row.version - 1)?;
        let (lines, known) = self.rewrite(&mut tx, row, prices, decide).await?;
        tx.commit().await?;
        Ok(self.cart_view(Some(row), &lines, prices, &known))
    }

    /// Locks a shopper's cart; a person who has none gets one.
    async fn lock_cart(&self, tx: &mut Tx, shopper: &Shopper) -> OrdersResult<CartRow> {
        let now = self.clock.now();
        let expires_at = now + self.cart_ttl();
        if let Some(row) = cart::lock_of(tx, shopper, now, expires_at).await? {
            return Ok(row);
        }
        if let Shopper::User(_) = shopper {
            cart::insert(tx, CartId::new(), shopper, now, expires_at).await?;
        }
        cart::lock_of(tx, shopper, now, expires_at).await?.ok_or(OrdersError::NotFound("cart"))
    }

    /// Changes the lines of a locked cart, and keeps what the catalog has said of them.
    async fn rewrite(
        &self,
        tx: &mut Tx,
        row: CartRow,
        prices: &Prices,
        decide: impl FnOnce(&mut Lines) -> Result<(), CartRule>,
    ) -> OrdersResult<(Lines, HashMap<ProductId, Known>)> {
        let before = cart::locked_lines(tx, row.id).await?;
        let mut lines = before.clone();
        decide(&mut lines)?;
        cart::change(tx, row.id, &before, &lines).await?;
        let known = known_product::list_of_locked_cart(tx, row.id).await?;
        for (product, now) in newer(prices, &known) {
            known_product::remember_in(tx, product, &now, self.clock.now()).await?;
        }
        Ok((lines, known))
    }

    /// What the catalog says of what is in a cart and of some products besides.
    async fn prices_with(
        &self,
        shopper: &Shopper,
        besides: impl IntoIterator<Item = ProductId>,
    ) -> OrdersResult<Prices> {
        let found = cart::find_of(&self.db, shopper, self.clock.now()).await?;
        let lines = match found {
            Some(row) => cart::lines(&self.db, row.id).await?,
            None => Lines::default(),
        };
        Ok(self.prices(lines.products().chain(besides)).await)
    }

    async fn prices(&self, products: impl Iterator<Item = ProductId>) -> Prices {
        let asked: HashSet<ProductId> = products.collect();
        if asked.is_empty() {
            return Prices::Live { asked, found: HashMap::new() };
        }
        let request = QuoteRequest { products: asked.iter().copied().collect() };
        let patience = Duration::from_millis(self.config.cart_quote_ms);
        let prices = match timeout(patience, self.catalog.quote(&request)).await {
            Ok(Ok(quote)) => {
                let found = quote.products.into_iter().map(|quoted| (quoted.product, quoted)).collect();
                Prices::Live { asked, found }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a cart is shown with the last prices that are known");
                Prices::Away
            }
            Err(_) => {
                tracing::warn!(
                    "a cart is shown with the last prices that are known: the catalog takes too long"
                );
                Prices::Away
            }
        };
        let shown = if matches!(prices, Prices::Away) { "known" } else { "live" };
        counter!("orders_cart_quotes_total", "prices" => shown).increment(1);
        prices
    }

    fn cart_view(
        &self,
        row: Option<CartRow>,
        lines: &Lines,
        prices: &Prices,
        known: &HashMap<ProductId, Known>,
    ) -> Cart {
        let currency = self.rules.currency;
        let shown = lines.as_slice().iter();
        let items: Vec<_> =
            shown.map(|line| show(*line, prices, known.get(&line.product), currency)).collect();
        Cart {
            version: row.map_or(0, |row| row.version),
            quantity: items.iter().map(|item| item.quantity).sum(),
            subtotal: subtotal(&items, currency),
            stale: items.iter().any(|item| item.stale),
            items,
            expires_at: row.map(|row| row.expires_at.to_datetime()),
        }
    }

    fn cart_ttl(&self) -> Duration {
        Duration::from_secs(self.config.cart_ttl_secs)
    }
}

/// What the catalog has said that is not known yet, in one order for everybody, so that no two wait for each other.
fn newer(prices: &Prices, known: &HashMap<ProductId, Known>) -> Vec<(ProductId, Known)> {
    let said = prices.found().map(|quoted| (quoted.product, Known::of(quoted)));
    let mut newer: Vec<_> = said.filter(|(product, now)| known.get(product) != Some(now)).collect();
    newer.sort_unstable_by_key(|(product, _)| *product);
    newer
}
