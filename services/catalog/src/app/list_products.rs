//! Listing products: for people, and as cards for other services.

use super::App;
use crate::error::{CatalogError, CatalogResult};
use crate::store::product_list::{self, Listing, Sight, SortBy};
use chassis::cache::Freshness;
use chassis::db::search::Search;
use chassis::http::Page;
use chassis::http::sorted::Cursor;
use chassis::identity::Principal;
use contract::catalog::{ListProducts, Product, ProductCard, ProductCards, Sold};
use contract::identity::Permission;
use contract::ids::ProductId;
use contract::page::Pagination;
use futures_util::future::try_join_all;

impl App {
    /// A page of products that who asks may see, and where it stands.
    ///
    /// # Errors
    /// [`CatalogError::Forbidden`] for products that are not sold, [`CatalogError::Field`] for a search without a word or a
    /// cursor of another list.
    pub async fn products(
        &self,
        query: &ListProducts,
        order: Option<(SortBy, bool)>,
        who: Option<&Principal>,
    ) -> CatalogResult<(Vec<Product>, Pagination)> {
        let search = query.search.as_deref().map(|text| {
            Search::of(text).ok_or(CatalogError::Field("search", "must have a letter or a digit"))
        });
        let search = search.transpose()?;
        let order = match (order, &search) {
            (Some((SortBy::Relevance, _)), None) => {
                return Err(CatalogError::Field("sort", "relevance is to a search"));
            }
            (Some(order), _) => order,
            (None, Some(_)) => (SortBy::Relevance, false),
            (None, None) => (SortBy::CreatedAt, true),
        };
        let listing = Listing { filter: query, search, sight: sight(query.active, who)?, order };
        let page = Page::new(query.page, query.limit);
        let named = named(order);
        if let Some(text) = &query.cursor {
            if query.page > 1 {
                return Err(CatalogError::Field("page", "a cursor takes the place of a page"));
            }
            let after = Cursor::parse(text, &named)
                .map_err(|_| CatalogError::Field("cursor", "not a cursor of this list in this order"))?;
            let (products, next) = listing.rows(&self.db, Some(&after), page).await?;
            let next = next.map(|next| next.text(&named));
            return Ok((products, Pagination::by_cursor(query.limit, true, next)));
        }
        let (products, next) = listing.rows(&self.db, None, page).await?;
        let place = page.of(listing.total(&self.db).await?);
        Ok((products, Pagination { cursor: next.map(|next| next.text(&named)), ..place }))
    }

    /// Cards of these products, sold or not; those that do not exist are left out. From copies.
    ///
    /// # Errors
    /// When the database fails and there is no copy.
    pub async fn cards(&self, ids: &[ProductId]) -> CatalogResult<ProductCards> {
        let found = try_join_all(ids.iter().map(|id| self.product_view(*id))).await?;
        let stale = found.iter().flatten().any(|copy| matches!(copy.freshness(), Freshness::Stale { .. }));
        let products = found.iter().flatten().map(|copy| ProductCard::from(&**copy)).collect();
        Ok(ProductCards { products, stale })
    }

    /// Cards of what else is sold in the categories of these products.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn related(&self, products: &[ProductId], limit: u32) -> CatalogResult<ProductCards> {
        let found = product_list::related(&self.db, products, limit).await?;
        Ok(ProductCards { products: found.iter().map(ProductCard::from).collect(), stale: false })
    }
}

/// What the order is called in a cursor.
fn named((by, descending): (SortBy, bool)) -> String {
    format!("{}{by:?}", if descending { "-" } else { "" })
}

/// What is not sold is shown to who manages the catalog, and to a vendor as far as it is theirs.
fn sight(sold: Sold, who: Option<&Principal>) -> CatalogResult<Sight> {
    let may = |permission| who.is_some_and(|who| who.may(permission));
    let own = match () {
        () if sold == Sold::Yes || may(Permission::ManageCatalog) => None,
        () if may(Permission::SellProducts) => who.map(Principal::user),
        () => {
            return Err(CatalogError::Forbidden(
                "Products that are not sold are shown to who sells them only.",
            ));
        }
    };
    Ok(match sold {
        Sold::Yes => Sight::Sold,
        Sold::No => Sight::Unsold(own),
        Sold::Any => Sight::All(own),
    })
}
