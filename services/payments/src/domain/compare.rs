//! How a charge in the provider's books differs from the payment in ours, where both are at rest.

use super::charge::{Charge, ChargeState};
use super::record::Record;
use contract::payments::{FindingKind, PaymentState};

/// Whether a payment of this state goes with a charge of that one.
const fn goes_with(payment: PaymentState, charge: ChargeState) -> bool {
    use ChargeState as Of;
    use PaymentState::{
        Authorized, Captured, Failed, PartiallyRefunded, Pending, Refunded, RequiresAction, Voided,
    };
    match payment {
        Pending => matches!(charge, Of::Processing),
        RequiresAction => matches!(charge, Of::RequiresAction | Of::Processing),
        Authorized => matches!(charge, Of::Authorized),
        Captured | PartiallyRefunded | Refunded => matches!(charge, Of::Captured),
        Failed | Voided => matches!(charge, Of::Failed | Of::Canceled),
    }
}

/// Every difference, in words.
#[must_use]
pub fn differences(payment: &Record, charge: &Charge) -> Vec<(FindingKind, String)> {
    let mut all = Vec::new();
    if payment.amount != charge.amount {
        let detail = format!("the payment is of {}, the charge of {}", payment.amount, charge.amount);
        all.push((FindingKind::Amount, detail));
    } else if payment.captured != charge.captured {
        let detail = format!("{} taken here, {} there", payment.captured, charge.captured);
        all.push((FindingKind::Amount, detail));
    }
    if !goes_with(payment.standing.state, charge.state) {
        let detail =
            format!("the payment is {}, the charge {}", payment.standing.state, charge.state.as_str());
        all.push((FindingKind::State, detail));
    }
    if let Some(refunded) = charge.refunded.filter(|refunded| *refunded != payment.refunded) {
        let detail = format!("{} given back here, {refunded} there", payment.refunded);
        all.push((FindingKind::Refunded, detail));
    }
    all
}
