//! Showing a product, and what it cost.

use super::{App, reach, sees_hidden};
use crate::error::{CatalogError, CatalogResult};
use crate::store::{price, product};
use chassis::cache::Cached;
use chassis::http::cut_page;
use chassis::identity::Principal;
use contract::catalog::{PriceVersion, Product};
use contract::ids::ProductId;

impl App {
    /// A product that who asks may see: one that is sold, one's own, or any for who manages the catalog.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    pub async fn product(&self, id: ProductId, who: Option<&Principal>) -> CatalogResult<Cached<Product>> {
        let found = self.product_view(id).await?.ok_or(CatalogError::NotFound("product"))?;
        seen_by(found, who)
    }

    /// As [`App::product`], by its slug.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    pub async fn product_by_slug(
        &self,
        slug: &str,
        who: Option<&Principal>,
    ) -> CatalogResult<Cached<Product>> {
        seen_by(self.product_view_by_slug(slug).await?, who)
    }

    /// What a product of one's own cost, or any product for who manages the catalog, the newest first, from before a version;
    /// and before which version the page after them begins, if there is one.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    pub async fn prices(
        &self,
        who: &Principal,
        id: ProductId,
        before: Option<i64>,
        limit: u32,
    ) -> CatalogResult<(Vec<PriceVersion>, Option<i64>)> {
        let known = match reach(who) {
            Some(vendor) => product::is_of_vendor(&self.db, id, vendor).await?,
            None => product::find(&self.db, id).await?.is_some(),
        };
        if !known {
            return Err(CatalogError::NotFound("product"));
        }
        // One more than is shown, which tells whether a page follows.
        let prices = price::list_before(&self.db, id, before, limit + 1).await?;
        Ok(cut_page(prices, limit, |last| last.version))
    }
}

/// Another's product that is not sold is none.
fn seen_by(found: Cached<Product>, who: Option<&Principal>) -> CatalogResult<Cached<Product>> {
    let seen = found.active || who.is_some_and(|who| sees_hidden(who, found.vendor));
    if seen { Ok(found) } else { Err(CatalogError::NotFound("product")) }
}
