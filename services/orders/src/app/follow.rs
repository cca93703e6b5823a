//! Orders as they are listed, and followed while they change.

use super::App;
use super::followers::Seat;
use crate::domain::order::Order;
use crate::error::{OrdersError, OrdersResult};
use crate::store::order_list::{self, Told};
use chassis::error::ApiError;
use chassis::http::Cursor;
use chassis::identity::Principal;
use contract::ErrorCode;
use contract::identity::Permission;
use contract::ids::{OrderId, ProductId, UserId};
use contract::orders::{ListOrders, OrderSummary};
use http::HeaderValue;
use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Updates that are read at once.
const AT_ONCE: i64 = 100;
/// When to ask again while as many follow as may.
const FULL: Duration = Duration::from_secs(5);

/// What is followed.
#[derive(Debug, Clone, Copy)]
enum Of {
    /// One order, by its versions.
    Order(OrderId),
    /// All of a person's, by the positions of what happened.
    User(UserId),
}

/// Somebody who follows orders. It ends with their token, when that is revoked and there is news, and at the stop of the
/// process; who was cut off goes on from the last id that they have seen.
pub(crate) struct Following {
    app: App,
    of: Of,
    after: i64,
    seat: Seat,
    token: HeaderValue,
    ends: Instant,
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    read: VecDeque<Told>,
}

impl App {
    /// A page of the orders that somebody may see.
    pub(crate) async fn list_orders(
        &self,
        who: &Principal,
        filter: &ListOrders,
        after: Option<Cursor>,
    ) -> OrdersResult<(Vec<OrderSummary>, Option<Cursor>)> {
        let everybody = who.may(Permission::ManageOrders);
        let user = match filter.user {
            None if everybody => None,
            None => Some(who.user()),
            Some(user) if everybody || user == who.user() => Some(user),
            Some(_) => {
                let message = format!("This needs the permission {}.", Permission::ManageOrders.as_str());
                return Err(ApiError::new(ErrorCode::Forbidden, message).into());
            }
        };
        Ok(order_list::list_before(&self.db, user, filter, after).await?)
    }

    /// The latest orders of somebody.
    pub(crate) async fn recent_orders(&self, user: UserId, limit: u32) -> OrdersResult<Vec<OrderSummary>> {
        let all =
            ListOrders { status: None, from: None, to: None, number: None, user: None, cursor: None, limit };
        Ok(order_list::list_before(&self.db, Some(user), &all, None).await?.0)
    }

    /// What somebody has bought, the latest first.
    pub(crate) async fn purchases(&self, user: UserId, limit: u32) -> OrdersResult<Vec<ProductId>> {
        Ok(order_list::list_purchases_of(&self.db, user, limit).await?)
    }

    /// Follows an order from behind a version; without one, from where it stands. Another's order is none.
    pub(crate) async fn follow_order(
        &self,
        who: &Principal,
        token: HeaderValue,
        order: OrderId,
        seen: Option<i64>,
    ) -> OrdersResult<Following> {
        // The aggregate and not the list: an order may be followed from the moment on in which it was placed.
        let loaded = self.store.load::<Order>(order.uuid()).await?;
        let owner = loaded.state.placed.map(|placed| placed.user);
        let may = owner.is_some_and(|owner| owner == who.user() || who.may(Permission::ManageOrders));
        if !may {
            return Err(OrdersError::NotFound("order"));
        }
        let seat = self.seat(order.uuid())?;
        let after = match seen {
            Some(seen) => seen,
            // What it came to last is news for who begins.
            None => order_list::last_of_order(&self.db, order).await?.saturating_sub(1),
        };
        Ok(self.following(who, token, Of::Order(order), after, seat))
    }

    /// Follows somebody's own orders from behind a position, and says where that is; without one, from now on.
    pub(crate) async fn follow_orders(
        &self,
        who: &Principal,
        token: HeaderValue,
        seen: Option<i64>,
    ) -> OrdersResult<(i64, Following)> {
        let seat = self.seat(who.user().uuid())?;
        let after = match seen {
            Some(seen) => seen,
            None => order_list::head(&self.db).await?,
        };
        Ok((after, self.following(who, token, Of::User(who.user()), after, seat)))
    }

    fn seat(&self, key: uuid::Uuid) -> OrdersResult<Seat> {
        let full = || anyhow::anyhow!("as many follow orders as may");
        Ok(self.followers.sit(key).ok_or_else(|| ApiError::unavailable(full(), FULL))?)
    }

    fn following(&self, who: &Principal, token: HeaderValue, of: Of, after: i64, seat: Seat) -> Following {
        let ends = Instant::now() + who.expires().since(self.clock.now());
        let stopping = Box::pin(self.stop.stopping());
        Following { app: self.clone(), of, after, seat, token, ends, stopping, read: VecDeque::new() }
    }
}

impl Following {
    /// Between two signs of life while nothing happens.
    pub(crate) fn keep_alive(&self) -> Duration {
        self.app.keep_alive
    }

    /// The next thing that happened, with the id from behind which who was cut off goes on; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(i64, Told)> {
        loop {
            if let Some(told) = self.read.pop_front() {
                // It may have been revoked since the stream began.
                self.app.verifier.verify_header(&self.token).ok()?;
                self.after = match self.of {
                    Of::Order(_) => told.update.version,
                    Of::User(_) => told.position,
                };
                return Some((self.after, told));
            }
            let db = &self.app.db;
            let read = match self.of {
                Of::Order(order) => order_list::list_of_order(db, order, self.after, AT_ONCE).await,
                Of::User(user) => order_list::list_of_user(db, user, self.after, AT_ONCE).await,
            };
            match read {
                Ok(read) if read.is_empty() => {}
                Ok(read) => {
                    self.read.extend(read);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "a stream of orders ends early; its client goes on from where it was");
                    return None;
                }
            }
            tokio::select! {
                () = self.seat.news() => {}
                () = sleep_until(self.ends) => return None,
                () = &mut self.stopping => return None,
            }
        }
    }
}
