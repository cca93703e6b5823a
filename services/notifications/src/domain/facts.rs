//! What a message tells, by the name of its placeholder: made of an event, and kept with the message until it is written.

use super::template::Facts;
use contract::events::{EventApproved, EventRejected};
use contract::money::Money;
use contract::notifications::NotificationKind;
use contract::orders::{OrderCancelled, OrderConfirmed, OrderFailed, OrderLine, OrderRefunded, OrderShipped};

/// How the person is addressed; in every template.
pub const GREETING: &str = "greeting";
/// What the shop calls itself; in every template.
pub const SHOP: &str = "shop";

/// What a message of a kind tells, besides greeting and shop.
#[must_use]
pub const fn of_kind(kind: NotificationKind) -> &'static [&'static str] {
    match kind {
        NotificationKind::Welcome => &[],
        NotificationKind::OrderConfirmed => &["number", "lines", "total"],
        NotificationKind::OrderShipped => &["number", "carrier", "tracking"],
        NotificationKind::OrderCancelled => &["number", "reason", "total"],
        NotificationKind::OrderFailed => &["number", "reason"],
        NotificationKind::OrderRefunded => &["number", "amount", "refunded"],
        NotificationKind::PaymentReceipt => &["number", "amount"],
        NotificationKind::LowStock => &["product", "available", "level"],
        NotificationKind::EventSubmitted | NotificationKind::EventApproved => &["title"],
        NotificationKind::EventRejected => &["title", "reason"],
    }
}

/// Names and their texts; line breaks in a text become spaces, since texts of others stand in mail of ours.
fn facts<const N: usize>(all: [(&str, String); N]) -> Facts {
    all.map(|(name, text)| (name.to_owned(), text.replace(char::is_control, " "))).into()
}

/// Of an order that will be delivered.
#[must_use]
pub fn confirmed(event: &OrderConfirmed) -> Facts {
    let mut told = facts([("number", event.number.clone()), ("total", event.total.to_string())]);
    let lines: Vec<String> = event.lines.iter().map(line).collect();
    told.insert("lines".to_owned(), lines.join("\n"));
    told
}

fn line(line: &OrderLine) -> String {
    let name = line.name.replace(char::is_control, " ");
    format!("  {} x {name}: {}", line.quantity, line.subtotal)
}

/// Of an order that is on its way.
#[must_use]
pub fn shipped(event: &OrderShipped) -> Facts {
    let OrderShipped { number, carrier, tracking_number, .. } = event;
    facts([("number", number.clone()), ("carrier", carrier.clone()), ("tracking", tracking_number.clone())])
}

/// Of an order that was called off.
#[must_use]
pub fn cancelled(event: &OrderCancelled) -> Facts {
    let OrderCancelled { number, reason, total, .. } = event;
    facts([("number", number.clone()), ("reason", reason.clone()), ("total", total.to_string())])
}

/// Of an order that was not sold.
#[must_use]
pub fn failed(event: &OrderFailed) -> Facts {
    facts([("number", event.number.clone()), ("reason", event.reason.clone())])
}

/// Of money that was given back.
#[must_use]
pub fn refunded(event: &OrderRefunded) -> Facts {
    let OrderRefunded { number, amount, refunded, .. } = event;
    facts([("number", number.clone()), ("amount", amount.to_string()), ("refunded", refunded.to_string())])
}

/// Of money that was taken for an order of this number.
#[must_use]
pub fn receipt(number: String, amount: Money) -> Facts {
    facts([("number", number), ("amount", amount.to_string())])
}

/// Of a product that there is too little of.
#[must_use]
pub fn low_stock(product: String, available: u32, level: u32) -> Facts {
    facts([("product", product), ("available", available.to_string()), ("level", level.to_string())])
}

/// Of an event that waits for a decision.
#[must_use]
pub fn submitted(title: &str) -> Facts {
    facts([("title", title.to_owned())])
}

/// Of an event that was approved.
#[must_use]
pub fn approved(event: &EventApproved) -> Facts {
    facts([("title", event.event.title.clone())])
}

/// Of an event that was rejected.
#[must_use]
pub fn rejected(event: &EventRejected) -> Facts {
    facts([("title", event.event.title.clone()), ("reason", event.reason.clone())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::events::{EventCard, EventStatus};
    use contract::ids::{CheckoutId, EventId, OrderId, OrganizationId, ProductId, RefundId, UserId};
    use contract::money::Currency;
    use contract::orders::CheckoutFlow;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn names(facts: &Facts) -> Vec<&str> {
        facts.keys().map(String::as_str).collect()
    }

    fn of(kind: NotificationKind) -> Vec<&'static str> {
        let mut names = of_kind(kind).to_vec();
        names.sort_unstable();
        names
    }

    #[test]
    fn an_event_of_an_organisation_tells_what_its_template_may_ask_for() {
        let (by, reason) = (UserId::new(), "Say who\nis responsible.".to_owned());
        let event = EventCard {
            id: EventId::new(),
            organization: OrganizationId::new(),
            creator: UserId::new(),
            title: "Fair".to_owned(),
            status: EventStatus::Rejected,
            version: 3,
        };
        assert_eq!(names(&submitted("Fair")), of(NotificationKind::EventSubmitted));
        let event_approved = EventApproved { event: event.clone(), by };
        assert_eq!(names(&approved(&event_approved)), of(NotificationKind::EventApproved));
        let told = rejected(&EventRejected { event, by, reason });
        assert_eq!(names(&told), of(NotificationKind::EventRejected));
        assert_eq!(told["reason"], "Say who is responsible.");
    }

    #[test]
    fn every_event_tells_what_its_template_may_ask_for() {
        let (order, user, number) = (OrderId::new(), UserId::new(), "B7K3-9QMX-2".to_owned());
        let (flow, checkout) = (CheckoutFlow::Orchestration, CheckoutId::new());
        let line = OrderLine {
            product: ProductId::new(),
            sku: "LAMP-1".to_owned(),
            name: "Lamp\nYou have won".to_owned(),
            unit_price: eur(1999),
            price_version: 1,
            quantity: 2,
            subtotal: eur(3998),
            category: None,
            image: None,
        };
        let (lines, total) = (vec![line], eur(4500));
        let event = OrderConfirmed { order, user, number: number.clone(), checkout, flow, lines, total };
        let told = confirmed(&event);
        assert_eq!(names(&told), of(NotificationKind::OrderConfirmed));
        assert_eq!(told["lines"], "  2 x Lamp You have won: 39.98 EUR");
        let reason = "no stock".to_owned();
        let event =
            OrderFailed { order, user, number: number.clone(), checkout, flow, reason: reason.clone() };
        assert_eq!(names(&failed(&event)), of(NotificationKind::OrderFailed));
        let (refund, carrier) = (RefundId::new(), "DHL".to_owned());
        let event =
            OrderShipped { order, user, number: number.clone(), carrier, tracking_number: "1".to_owned() };
        assert_eq!(names(&shipped(&event)), of(NotificationKind::OrderShipped));
        let (amount, refunded_in_all) = (eur(1), eur(2));
        let event = OrderRefunded {
            order,
            user,
            number: number.clone(),
            refund,
            amount,
            refunded: refunded_in_all,
            whole: false,
        };
        assert_eq!(names(&refunded(&event)), of(NotificationKind::OrderRefunded));
        let (checkout, lines) = (Some(checkout), Vec::new());
        let event = OrderCancelled { order, user, number, checkout, refund, flow, lines, total, reason };
        assert_eq!(names(&cancelled(&event)), of(NotificationKind::OrderCancelled));
        assert_eq!(names(&receipt(String::new(), amount)), of(NotificationKind::PaymentReceipt));
        assert_eq!(names(&low_stock(String::new(), 1, 2)), of(NotificationKind::LowStock));
    }
}
