//! Orders as they are listed and followed: a read model, which may be a moment behind.

use super::OrderStatus;
use crate::ids::{OrderId, ProductId, UserId};
use crate::money::Money;
use crate::page::usual_limit;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    /// The order.
    pub id: OrderId,
    /// Its readable number.
    pub number: String,
    /// Who bought.
    pub user: UserId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whether something about it is still being settled.
    pub processing: bool,
    /// What it comes to, with shipping and tax.
    pub total: Money,
    /// Pieces in it.
    pub quantity: u32,
    /// The name of the first product in it.
    pub title: String,
    /// The version of it that this is.
    pub version: i64,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
    /// When something about it changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
}

/// The query of `GET /api/v1/orders`, the youngest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// Only orders that stand there.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// Only orders placed from this time on (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub from: Option<OffsetDateTime>,
    /// Only orders placed before this time (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<OffsetDateTime>,
    /// Only the order with this number.
    #[garde(inner(length(max = 40)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Only orders of this person. Who may see every order sees all without it; everybody else only ever their own.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The cursor of the page before; absent for the first page.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// `data` of each `order` event of the streams `GET /api/v1/orders/events` and `GET /api/v1/orders/{id}/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderUpdate {
    /// The order.
    pub order: OrderId,
    /// Its readable number.
    pub number: String,
    /// What happened: `placed`, `confirmed`, `shipped`. More may come; go by the status.
    pub what: String,
    /// Where it stands from then on.
    pub status: OrderStatus,
    /// Whether something about it is still being settled.
    pub processing: bool,
    /// The version of it from then on.
    pub version: i64,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The answer to `GET /internal/v1/orders/purchases?user=`: what somebody has bought, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Purchases {
    /// The products, each once.
    pub products: Vec<ProductId>,
}

/// The query of `GET /internal/v1/orders/purchases` and of `GET /internal/v1/orders/recent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfBuyer {
    /// Who bought.
    #[garde(skip)]
    pub user: UserId,
    /// How many at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    pub limit: u32,
}
