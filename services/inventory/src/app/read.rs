//! What there is, as who asks may know it.

use super::App;
use crate::error::{InventoryError, InventoryResult};
use crate::store::stock::Scope;
use crate::store::{ledger, reservation, stock_list};
use chassis::error::{ApiError, ApiResult};
use chassis::http::Page;
use chassis::identity::Principal;
use contract::ErrorCode;
use contract::identity::Permission;
use contract::ids::{CheckoutId, ProductId};
use contract::inventory::{Availability, ListStock, Movement, Reservation, StockItem};

/// Whose stock somebody may see and count: everybody's, or a vendor's own.
///
/// # Errors
/// 403 for who sells nothing.
pub(crate) fn scope_of(who: &Principal) -> ApiResult<Scope> {
    if who.may(Permission::ManageStock) {
        return Ok(Scope::All);
    }
    if who.may(Permission::SellProducts) {
        return Ok(Scope::Vendor(who.user()));
    }
    let (all, own) = (Permission::ManageStock.as_str(), Permission::SellProducts.as_str());
    Err(ApiError::new(ErrorCode::Forbidden, format!("This needs the permission {all} or {own}.")))
}

fn includes(scope: Scope, item: &StockItem) -> bool {
    match scope {
        Scope::All => true,
        Scope::Vendor(vendor) => item.vendor == vendor,
    }
}

impl App {
    fn availability_of(&self, item: &StockItem) -> Availability {
        let in_stock = item.available > 0;
        let few_left = in_stock && item.available <= self.few_left;
        Availability { product: item.product, in_stock, few_left, counted: None }
    }

    /// What there is of a product; the numbers for who may see them.
    ///
    /// # Errors
    /// [`InventoryError::NoProduct`] for one that is not known or was removed.
    pub async fn stock(&self, product: ProductId, who: Option<&Principal>) -> InventoryResult<Availability> {
        let item = stock_list::find(&self.db, product).await?.ok_or(InventoryError::NoProduct)?;
        let availability = self.availability_of(&item);
        let scope = who.and_then(|who| scope_of(who).ok());
        let counted = scope.filter(|scope| includes(*scope, &item)).map(|_| item);
        Ok(Availability { counted, ..availability })
    }

    /// The same of many products, without numbers; one that is not known is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn availability(&self, products: &[ProductId]) -> InventoryResult<Vec<Availability>> {
        let items = stock_list::find_many(&self.db, products).await?;
        Ok(items.iter().map(|item| self.availability_of(item)).collect())
    }

    /// A page of the stock that somebody may see, and how many products that is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_stock(
        &self,
        filter: &ListStock,
        scope: Scope,
        page: Page,
    ) -> InventoryResult<(Vec<StockItem>, u64)> {
        Ok(stock_list::list(&self.db, filter, scope, page).await?)
    }

    /// The ledger of a product before this number, the newest line first, and where the next page begins.
    ///
    /// # Errors
    /// [`InventoryError::NoProduct`] for a product that is not known or another vendor's.
    pub async fn movements(
        &self,
        product: ProductId,
        scope: Scope,
        before: i64,
        limit: u32,
    ) -> InventoryResult<(Vec<Movement>, Option<i64>)> {
        let item = stock_list::find(&self.db, product).await?;
        if !item.is_some_and(|item| includes(scope, &item)) {
            return Err(InventoryError::NoProduct);
        }
        Ok(ledger::list_of_product(&self.db, product, before, limit).await?)
    }

    /// Reservations by checkout, from behind `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reservations(
        &self,
        after: Option<CheckoutId>,
        limit: u32,
    ) -> InventoryResult<Vec<Reservation>> {
        Ok(reservation::list_after(&self.db, after, limit).await?)
    }
}
