//! Tools that look at the person's own orders. They show what was bought and where it stands; no address and nothing of the
//! payment is told to a model.

use super::{Asking, Refusal, ToolOutcome, ToolSpec, Tools, found, parse, refused, some, way_to};
use contract::client::CallError;
use contract::orders::{Order, OrderSummary, OrdersClient};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) const LIST: &str = "list_orders";
pub(super) const GET: &str = "get_order";
const NAME: &str = "orders";

pub(super) fn specs() -> [ToolSpec; 2] {
    [
        ToolSpec {
            name: LIST,
            about: "The person's latest orders in the shop: number, where it stands, what it comes to.",
            parameters: json!({"type": "object", "additionalProperties": false,
                "properties": {"limit": {"type": "integer", "minimum": 1, "maximum": 20}}}),
        },
        ToolSpec {
            name: GET,
            about: "One of the person's orders with its lines, by its number.",
            parameters: json!({"type": "object", "additionalProperties": false, "required": ["number"],
                "properties": {"number": {"type": "string", "description": "Such as B7K3-9QMX-2"}}}),
        },
    ]
}

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "some")]
    limit: u32,
}

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    /// It stands in a path, so it is what a number is made of and nothing else.
    #[garde(length(min = 1, max = 40), custom(of_a_number))]
    number: String,
}

fn of_a_number(value: &str, _: &()) -> garde::Result {
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    Err(garde::Error::new("letters, digits and hyphens only"))
}

/// An order as a model is told of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    number: String,
    status: String,
    being_settled: bool,
    total: String,
    pieces: u32,
    first_product: String,
    placed_on: String,
}

impl From<OrderSummary> for Told {
    fn from(order: OrderSummary) -> Self {
        Self {
            number: order.number,
            status: order.status.to_string(),
            being_settled: order.processing,
            total: order.total.to_string(),
            pieces: order.quantity,
            first_product: order.title,
            placed_on: order.placed_at.date().to_string(),
        }
    }
}

impl Tools {
    pub(super) async fn list_orders(
        &self,
        asking: &Asking,
        arguments: &Value,
    ) -> Result<ToolOutcome, Refusal> {
        let List { limit } = parse(arguments)?;
        let orders = OrdersClient::new(way_to(self.orders.as_ref(), NAME)?);
        // Who manages orders sees those of all unless they say whose: here it is always the person's own.
        let listed = orders.of_user(asking.user, limit).await.map_err(|error| refused(NAME, &error))?;
        found(&listed.into_iter().map(Told::from).collect::<Vec<_>>())
    }

    pub(super) async fn get_order(&self, asking: &Asking, arguments: &Value) -> Result<ToolOutcome, Refusal> {
        let Get { number } = parse(arguments)?;
        let orders = OrdersClient::new(way_to(self.orders.as_ref(), NAME)?);
        let order = async {
            let Some(order) = orders.numbered(asking.user, &number).await?.pop() else { return Ok(None) };
            orders.order(order.id).await.map(Some)
        };
        let order: Result<Option<Order>, CallError> = order.await;
        match order.map_err(|error| refused(NAME, &error))? {
            Some(order) if order.user == asking.user => found(&told(&order)),
            _ => Err("The person has no order with this number.".to_owned()),
        }
    }
}

fn told(order: &Order) -> Value {
    let line = |line: &contract::orders::OrderLine| json!({"product": line.name, "pieces": line.quantity, "each": line.unit_price.to_string()});
    json!({
        "number": order.number,
        "status": order.status.to_string(),
        "beingSettled": order.processing,
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
        "shipping": order.totals.shipping.to_string(),
        "tax": order.totals.tax.to_string(),
        "total": order.totals.total.to_string(),
        "givenBack": order.refunded.to_string(),
        "carrier": order.carrier,
        "trackingNumber": order.tracking_number,
        "failure": order.failure,
        "placedOn": order.placed_at.date().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_cannot_lead_to_another_path() {
        for bad in ["", "../../auth/users", "a&user=b", "a b", "é"] {
            assert!(parse::<Get>(&json!({"number": bad})).is_err(), "{bad}");
        }
        assert!(parse::<Get>(&json!({"number": "B7K3-9QMX-2"})).is_ok());
        assert!(parse::<List>(&Value::Null).is_ok());
        assert!(parse::<List>(&json!({"limit": 21})).is_err());
        assert!(parse::<List>(&json!({"user": "somebody else"})).is_err());
    }
}
