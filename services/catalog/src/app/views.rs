//! What is read far more often than it changes: a product, which product a slug is, the tree of categories. Whoever changes
//! one of them says so here, in the transaction that changes it; the events of the change say it again, for when the process died right after its commit.
//!
//! Nothing is sold by a copy: a quote is read from the database. Nobody may change anything by one: that is read in the
//! transaction that changes it. Whether somebody sees a product that is not sold is decided by who sells it, which never
//! changes.

use super::App;
use crate::domain::tree::Tree;
use crate::error::{CatalogError, CatalogResult};
use crate::store::{category, product};
use chassis::cache::{Cache, Cached, Policy};
use chassis::db::Tx;
use chassis::service::Context;
use chassis::state::Invalidation;
use contract::catalog::{CategoryChanged, Product, ProductChanged, ProductPriceChanged, ProductRemoved};
use contract::ids::ProductId;
use std::time::Duration;

/// For how much longer something may be shown while the database is away.
const BRIDGED: Duration = Duration::from_secs(600);

/// The one key of the tree.
const TREE: &str = "tree";

/// The copies.
#[derive(Debug, Clone)]
pub(crate) struct Views {
    pub(crate) products: Cache<Product>,
    slugs: Cache<ProductId>,
    pub(crate) tree: Cache<Tree>,
}

impl Views {
    /// `kept` is how long a copy is given out, when nobody says that it has changed.
    pub(crate) fn new(context: &Context, kept: Duration) -> anyhow::Result<Self> {
        // Everybody gets the same answer, and asks each time whether it still holds: that costs a 304, and no buyer sees a
        // price of some time ago.
        let policy = Policy::of(kept).stale_if_error(BRIDGED).public(Duration::ZERO);
        Ok(Self {
            products: context.cache("products", policy)?,
            slugs: context.cache("product-slugs", policy)?,
            tree: context.cache("categories", policy)?,
        })
    }

    /// A product was changed in this transaction.
    pub(super) fn product_changed(&self, tx: &mut Tx, id: ProductId) {
        self.products.invalidate_after(tx, id.to_string());
    }

    /// A slug means another product, or none, after this transaction.
    pub(super) fn slug_changed(&self, tx: &mut Tx, slug: &str) {
        self.slugs.invalidate_after(tx, slug);
    }

    /// The tree of categories was changed in this transaction.
    pub(super) fn tree_changed(&self, tx: &mut Tx) {
        self.tree.invalidate_after(tx, TREE);
    }

    /// What [`Views::product_changed`] forgets, for who hears of it by an event.
    pub(crate) fn changed(products: &Cache<Product>, event: &ProductChanged) -> Invalidation {
        products.of_key(event.product.to_string())
    }

    /// As [`Views::changed`].
    pub(crate) fn price_changed(products: &Cache<Product>, event: &ProductPriceChanged) -> Invalidation {
        products.of_key(event.product.to_string())
    }

    /// As [`Views::changed`].
    pub(crate) fn removed(products: &Cache<Product>, event: &ProductRemoved) -> Invalidation {
        products.of_key(event.product.to_string())
    }

    /// What [`Views::tree_changed`] forgets, for who hears of it by an event.
    pub(crate) fn category_changed(tree: &Cache<Tree>, _: &CategoryChanged) -> Invalidation {
        tree.of_key(TREE)
    }
}

impl App {
    /// A product, sold or not.
    pub(super) async fn product_view(&self, id: ProductId) -> CatalogResult<Option<Cached<Product>>> {
        let db = self.db.clone();
        let load = move || async move { product::find(&db, id).await };
        Ok(self.views.products.get_or_load(id.to_string(), load).await?)
    }

    /// The tree of categories.
    pub(super) async fn tree_view(&self) -> CatalogResult<Cached<Tree>> {
        let db = self.db.clone();
        let load = move || async move { category::all(&db).await.map(Some) };
        self.views.tree.get_or_load(TREE, load).await?.ok_or(CatalogError::NotFound("tree of categories"))
    }

    /// The product of a slug, sold or not.
    pub(super) async fn product_view_by_slug(&self, slug: &str) -> CatalogResult<Cached<Product>> {
        let (db, text) = (self.db.clone(), slug.to_owned());
        let load = move || async move { product::find_by_slug(&db, &text).await };
        let copy = self.views.slugs.get_or_load(slug, load).await?;
        if let Some(id) = copy
            && let Some(found) = self.product_view(*id).await?
            && found.slug == slug
        {
            return Ok(found);
        }
        // The copy is of before a change that this process has not heard of yet.
        let id = product::find_by_slug(&self.db, slug).await?.ok_or(CatalogError::NotFound("product"))?;
        self.product_view(id).await?.ok_or(CatalogError::NotFound("product"))
    }
}
