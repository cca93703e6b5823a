//! What clients are told live of orders: by whom they are, and without what is the services' own business.

use super::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderRefunded, OrderShipped,
    OrderStatus,
};
use crate::ids::OrderId;
use crate::live::{Live, Readers, Topic};
use crate::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What clients are told live of an order. How it was paid and where it goes stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderNews {
    /// The order.
    pub order: OrderId,
    /// Its readable number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Where it stands now; absent when this did not change that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// What it comes to, or came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// How much was given back in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// Why, when it failed or was called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
}

impl OrderNews {
    fn of(order: OrderId, number: Option<&str>, status: OrderStatus) -> Self {
        let number = number.map(str::to_owned);
        Self {
            order,
            number,
            status: Some(status),
            total: None,
            refunded: None,
            reason: None,
            carrier: None,
            tracking_number: None,
        }
    }
}

macro_rules! live {
    ($($event:ident |$of:ident| $view:expr;)+) => {$(
        impl Live for $event {
            const TOPIC: Topic = Topic::Orders;

            type View = OrderNews;

            fn resource(&self) -> Uuid {
                self.order.uuid()
            }

            fn readers(&self) -> Readers {
                Readers::user(self.user)
            }

            fn view(&self) -> OrderNews {
                let $of = self;
                $view
            }
        }
    )+};
}

live! {
    OrderCreated |of| OrderNews {
        total: Some(of.total),
        ..OrderNews::of(of.order, of.number.as_deref(), OrderStatus::Pending)
    };
    OrderConfirmed |of| OrderNews {
        total: Some(of.total),
        ..OrderNews::of(of.order, Some(&of.number), OrderStatus::Confirmed)
    };
    OrderFailed |of| OrderNews {
        reason: Some(of.reason.clone()),
        ..OrderNews::of(of.order, Some(&of.number), OrderStatus::Failed)
    };
    OrderCancelled |of| OrderNews {
        total: Some(of.total),
        reason: Some(of.reason.clone()),
        ..OrderNews::of(of.order, Some(&of.number), OrderStatus::Cancelled)
    };
    OrderShipped |of| OrderNews {
        carrier: Some(of.carrier.clone()),
        tracking_number: Some(of.tracking_number.clone()),
        ..OrderNews::of(of.order, Some(&of.number), OrderStatus::Shipped)
    };
    OrderDelivered |of| OrderNews::of(of.order, Some(&of.number), OrderStatus::Delivered);
    OrderRefunded |of| OrderNews {
        status: of.whole.then_some(OrderStatus::Refunded),
        refunded: Some(of.refunded),
        ..OrderNews::of(of.order, Some(&of.number), OrderStatus::Refunded)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CheckoutId, ProductId, UserId};
    use crate::inventory::ReserveLine;
    use crate::money::Currency;
    use crate::orders::CheckoutFlow;
    use crate::payments::MethodToken;

    #[test]
    fn a_client_is_not_told_how_an_order_is_paid_nor_by_whom() {
        let created = OrderCreated {
            order: OrderId::new(),
            user: UserId::new(),
            number: Some("B-1".to_owned()),
            checkout: Some(CheckoutId::new()),
            flow: CheckoutFlow::Choreography,
            lines: vec![ReserveLine { product: ProductId::new(), quantity: 1 }],
            total: Money::new(100, Currency::EUR),
            method: Some(MethodToken("tok_secret".to_owned())),
        };
        let shown = serde_json::to_value(created.view()).unwrap();
        let fields: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["number", "order", "status", "total"]);
        assert_eq!(created.readers(), Readers::user(created.user));
    }
}
