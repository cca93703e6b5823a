//! Carts and what is in them. One whose time is over counts for nothing.

use crate::domain::cart::{Line, Lines};
use crate::domain::shopper::Shopper;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{CartId, ProductId, UserId};
use uuid::Uuid;

/// A cart without its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartRow {
    /// Its identifier.
    pub id: CartId,
    /// Its version.
    pub version: i64,
    /// When it counts for nothing.
    pub expires_at: Ts,
}

impl From<(Uuid, i64, Ts)> for CartRow {
    fn from((id, version, expires_at): (Uuid, i64, Ts)) -> Self {
        Self { id: CartId(id), version, expires_at }
    }
}

/// The cart of a shopper. Read it before its lines: what is decided on both is then refused when they are of two versions.
///
/// # Errors
/// When the database fails.
pub async fn find_of(db: &Db, shopper: &Shopper, now: Ts) -> Result<Option<CartRow>, DbError> {
    const SELECT: &str = "SELECT id, version, expires_at FROM cart \
        WHERE (user_id = $1 OR secret_hash = $2) AND expires_at > $3";
    let (user, hash) = (shopper.user(), shopper.secret_hash());
    let row: Option<(Uuid, i64, Ts)> = q!(db.read, fetch_optional, SELECT, user, hash, now)?;
    Ok(row.map(CartRow::from))
}

/// What is in a cart.
///
/// # Errors
/// When the database fails.
pub async fn lines(db: &Db, cart: CartId) -> Result<Lines, DbError> {
    let rows: Vec<(Uuid, i64)> = q!(db.read, fetch_all, LINES, cart.uuid())?;
    Ok(lines_of(rows))
}

/// What is in a cart that this transaction has locked.
///
/// # Errors
/// When the database fails.
pub async fn locked_lines(tx: &mut Tx, cart: CartId) -> Result<Lines, DbError> {
    let rows: Vec<(Uuid, i64)> = q!(tx.tx, fetch_all, LINES, cart.uuid())?;
    Ok(lines_of(rows))
}

const LINES: &str =
    "SELECT product_id, quantity FROM cart_line WHERE cart_id = $1 ORDER BY place, product_id LIMIT 100";

fn lines_of(rows: Vec<(Uuid, i64)>) -> Lines {
    let line = |(product, quantity)| Line {
        product: ProductId(product),
        quantity: u32::try_from(quantity).unwrap_or_default(),
    };
    Lines::new(rows.into_iter().map(line).collect())
}

/// Raises the version of a shopper's cart, puts its end off, and keeps others from changing it until the transaction ends.
/// Gives the cart as it is from then on.
///
/// # Errors
/// When the database fails.
pub async fn lock_of(
    tx: &mut Tx,
    shopper: &Shopper,
    now: Ts,
    expires_at: Ts,
) -> Result<Option<CartRow>, DbError> {
    const UPDATE: &str = "UPDATE cart SET version = version + 1, expires_at = $4 \
        WHERE (user_id = $1 OR secret_hash = $2) AND expires_at > $3 RETURNING id, version, expires_at";
    let (user, hash) = (shopper.user(), shopper.secret_hash());
    let row: Option<(Uuid, i64, Ts)> = q!(tx.tx, fetch_optional, UPDATE, user, hash, now, expires_at)?;
    Ok(row.map(CartRow::from))
}

/// Adds a cart, in place of one whose time is over. Does nothing when the person has one.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    id: CartId,
    shopper: &Shopper,
    now: Ts,
    expires_at: Ts,
) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM cart WHERE user_id = $1 AND expires_at <= $2";
    const INSERT: &str = "INSERT INTO cart (id, user_id, secret_hash, version, created_at, expires_at) \
        VALUES ($1, $2, $3, 0, $4, $5) ON CONFLICT DO NOTHING";
    let (user, hash) = (shopper.user(), shopper.secret_hash());
    q!(tx.tx, execute, DELETE, user, now)?;
    q!(tx.tx, execute, INSERT, id.uuid(), user, hash, now, expires_at)?;
    Ok(())
}

/// Writes what is different about a cart that this transaction has locked.
///
/// # Errors
/// When the database fails.
pub async fn change(tx: &mut Tx, cart: CartId, before: &Lines, after: &Lines) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM cart_line WHERE cart_id = $1 AND product_id = $2";
    // Behind the last one. A line that is changed keeps its place.
    const UPSERT: &str = "INSERT INTO cart_line (cart_id, product_id, quantity, place) \
        VALUES ($1, $2, $3, (SELECT COALESCE(max(place), 0) + 1 FROM cart_line WHERE cart_id = $1)) \
        ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity";
    for gone in before.products().filter(|product| !after.products().any(|kept| kept == *product)) {
        q!(tx.tx, execute, DELETE, cart.uuid(), gone.uuid())?;
    }
    for line in after.as_slice().iter().filter(|line| !before.as_slice().contains(line)) {
        q!(tx.tx, execute, UPSERT, cart.uuid(), line.product.uuid(), i64::from(line.quantity))?;
    }
    Ok(())
}

/// Empties a person's cart if it is still of the version that was seen. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn take_of_user(tx: &mut Tx, user: UserId, cart: CartId, version: i64) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE cart SET version = version + 1 WHERE id = $1 AND user_id = $2 AND version = $3";
    const DELETE: &str = "DELETE FROM cart_line WHERE cart_id = $1";
    if q!(tx.tx, execute, UPDATE, cart.uuid(), user.uuid(), version)? == 0 {
        return Ok(false);
    }
    q!(tx.tx, execute, DELETE, cart.uuid())?;
    Ok(true)
}

/// Removes a cart that this transaction has locked.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, cart: CartId) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM cart WHERE id = $1", cart.uuid())?;
    Ok(())
}

/// Removes at most `limit` carts whose time is over. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, now: Ts, limit: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM cart WHERE expires_at <= $1 AND id IN \
        (SELECT id FROM cart WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    q!(db.write, execute, DELETE, now, limit)
}
