//! Looks at payments.

use super::App;
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::{list, payment, refund};
use chassis::http::Cursor;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::payments::{Payment, PaymentState, Refund};

/// Which payments are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Only those of this person.
    pub user: Option<UserId>,
    /// Only those of this order.
    pub order: Option<OrderId>,
    /// Only those that stand here.
    pub state: Option<PaymentState>,
}

impl App {
    /// A payment, for who pays or who may see all.
    ///
    /// # Errors
    /// [`PaymentsError::NotFound`] when there is none that they may see.
    pub(crate) async fn show(&self, id: CheckoutId, who: &Principal) -> PaymentsResult<Payment> {
        let record = self.visible(id, who).await?;
        Ok(record.view(record.user == Some(who.user())))
    }

    /// The refunds of a payment, for who pays or who may see all.
    ///
    /// # Errors
    /// [`PaymentsError::NotFound`] when there is no payment that they may see.
    pub(crate) async fn refunds(&self, id: CheckoutId, who: &Principal) -> PaymentsResult<Vec<Refund>> {
        let record = self.visible(id, who).await?;
        let refunds = refund::list_of_payment(&self.db, id).await?;
        Ok(refunds.iter().map(|refund| refund.view(&record)).collect())
    }

    async fn visible(&self, id: CheckoutId, who: &Principal) -> PaymentsResult<Record> {
        let found = if who.may(Permission::ManagePayments) {
            payment::find(&self.db, id).await?
        } else {
            payment::find_for_owner(&self.db, id, who.user()).await?
        };
        found.ok_or(PaymentsError::NotFound("payment"))
    }

    /// Payments, newest first: one's own, or those that the filter asks for when all may be seen.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn list(
        &self,
        who: &Principal,
        filter: Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> PaymentsResult<(Vec<Payment>, Option<Cursor>)> {
        let sees_all = who.may(Permission::ManagePayments);
        let filter = if sees_all { filter } else { Filter { user: Some(who.user()), ..filter } };
        let (records, next) = list::list_before(&self.db, filter, after, limit).await?;
        let own = |record: &Record| record.view(record.user == Some(who.user()));
        Ok((records.iter().map(own).collect(), next))
    }

    /// Payments by their id, for other services.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn list_all(
        &self,
        after: Option<CheckoutId>,
        limit: u32,
    ) -> PaymentsResult<Vec<Payment>> {
        let records = list::list_after(&self.db, after, limit).await?;
        Ok(records.iter().map(|record| record.view(false)).collect())
    }
}
