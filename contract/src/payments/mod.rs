//! The payments' part of the language. Amounts come from orders, never from a client.

mod client;
mod events;
mod list;
mod payment;

pub use client::PaymentsClient;
pub use events::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided,
};
pub use list::{AllPayments, FindingKind, ListFindings, ListPayments, ReconciliationFinding};
pub(crate) use payment::method_token;
pub use payment::{
    Authorize, MethodToken, NextAction, Payment, PaymentState, Refund, RefundPayment, RefundState,
};
