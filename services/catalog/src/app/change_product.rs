//! Making, changing and removing products.

use super::{App, reach};
use crate::domain::product::{changed, made, words};
use crate::domain::slug::slugs;
use crate::error::{CatalogError, CatalogResult};
use crate::store::product::Taken;
use crate::store::{brand, category, is_reference, is_taken, price, product};
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::catalog::{
    CreateProduct, Product, ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved,
    UpdateProduct,
};
use contract::identity::Permission;
use contract::ids::{ProductId, UserId};

/// The words of a name, and of everything else.
type Words = (String, String);

impl App {
    /// Makes a product, of who asks or, for who manages the catalog, of anybody.
    ///
    /// # Errors
    /// [`CatalogError::Taken`] and [`CatalogError::Field`].
    pub async fn create_product(
        &self,
        who: &Principal,
        request: CreateProduct,
    ) -> CatalogResult<(Tx, Product)> {
        let vendor = request.vendor.unwrap_or_else(|| who.user());
        if vendor != who.user() && !who.may(Permission::ManageCatalog) {
            return Err(CatalogError::Forbidden("Only who manages the catalog makes products of others."));
        }
        may_feature(who, request.featured)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let product = self.add(&mut tx, made(request, vendor, now), who.user(), now).await?;
        Ok((tx, product))
    }

    /// Changes a product of who asks or, for who manages the catalog, of anybody.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::Taken`], [`CatalogError::Field`], and [`CatalogError::Precondition`] when
    /// the client has seen another version.
    pub async fn update_product(
        &self,
        who: &Principal,
        id: ProductId,
        change: UpdateProduct,
        seen: &IfMatch,
    ) -> CatalogResult<(Tx, Product)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let before =
            product::lock(&mut tx, id, reach(who)).await?.ok_or(CatalogError::NotFound("product"))?;
        seen.check(before.version).map_err(CatalogError::Precondition)?;
        may_feature(who, change.featured.is_some_and(|featured| featured != before.featured))?;
        let after = self.alter(&mut tx, before, change, who.user(), now).await?;
        Ok((tx, after))
    }

    /// Removes a product of who asks or, for who manages the catalog, of anybody.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], and [`CatalogError::Precondition`] when the client has seen another version.
    pub async fn remove_product(&self, who: &Principal, id: ProductId, seen: &IfMatch) -> CatalogResult<Tx> {
        let mut tx = self.db.begin().await?;
        let before =
            product::lock(&mut tx, id, reach(who)).await?.ok_or(CatalogError::NotFound("product"))?;
        seen.check(before.version).map_err(CatalogError::Precondition)?;
        product::delete(&mut tx, id).await?;
        self.outbox.publish(&mut tx, &ProductRemoved { product: id }).await?;
        self.views.product_changed(&mut tx, id);
        self.views.slug_changed(&mut tx, &before.slug);
        Ok(tx)
    }

    /// Puts a product that was made into the transaction, with its first price and its event. Without a slug it gets one of
    /// its name.
    pub(crate) async fn add(
        &self,
        tx: &mut Tx,
        mut product: Product,
        by: UserId,
        now: Ts,
    ) -> CatalogResult<Product> {
        let words = self.words(tx, &product, None).await?;
        let tries = match product.slug.is_empty() {
            true => slugs(&product.name, product.id.uuid()).to_vec(),
            false => vec![product.slug.clone()],
        };
        for slug in tries {
            product.slug = slug;
            if product::insert(tx, &product, &words).await.map_err(meanwhile)? {
                price::insert_present(tx, &product, by, now).await?;
                self.outbox.publish(tx, &created(&product)).await?;
                self.views.slug_changed(tx, &product.slug);
                return Ok(product);
            }
            if product::taken(tx, &product).await? == Some(Taken::Sku) {
                return Err(CatalogError::Taken("SKU"));
            }
        }
        Err(CatalogError::Taken("slug"))
    }

    /// Changes a product that the transaction holds, with its price and its events.
    pub(crate) async fn alter(
        &self,
        tx: &mut Tx,
        before: Product,
        change: UpdateProduct,
        by: UserId,
        now: Ts,
    ) -> CatalogResult<Product> {
        let (after, difference) = changed(&before, change, now);
        if !difference.is_any() {
            return Ok(before);
        }
        match product::taken(tx, &after).await? {
            Some(Taken::Sku) => return Err(CatalogError::Taken("SKU")),
            Some(Taken::Slug) => return Err(CatalogError::Taken("slug")),
            None => {}
        }
        let words = self.words(tx, &after, Some(&before)).await?;
        if !product::update(tx, &after, &words).await.map_err(meanwhile)? {
            return Err(CatalogError::Conflict("The product was changed meanwhile. Read it again."));
        }
        if difference.price {
            price::insert_present(tx, &after, by, now).await?;
            self.outbox.publish(tx, &repriced(&before, &after)).await?;
        }
        if difference.rest {
            let (product, version) = (after.id, after.version);
            let event = ProductChanged { product, version, name: after.name.clone(), active: after.active };
            self.outbox.publish(tx, &event).await?;
        }
        self.views.product_changed(tx, after.id);
        if after.slug != before.slug {
            self.views.slug_changed(tx, &before.slug);
            self.views.slug_changed(tx, &after.slug);
        }
        Ok(after)
    }

    /// What a product is found by, once its category and its brand are seen to exist. A brand that it did not have before is
    /// held, so that its name does not change meanwhile; one that it had is written into its products by who changes it.
    async fn words(&self, tx: &mut Tx, product: &Product, before: Option<&Product>) -> CatalogResult<Words> {
        if let Some(id) = product.category
            && before.is_none_or(|before| before.category != product.category)
            && !category::exists(tx, id).await?
        {
            return Err(CatalogError::Field("category", "no such category"));
        }
        let Some(id) = product.brand else { return Ok(words(product, None)) };
        let is_new = before.is_none_or(|before| before.brand != product.brand);
        let name = brand::name_of(tx, id, is_new).await?;
        let name = name.ok_or(CatalogError::Field("brand", "no such brand"))?;
        Ok(words(product, Some(&name)))
    }
}

/// Only who manages the catalog decides what the shop puts forward.
fn may_feature(who: &Principal, featured: bool) -> CatalogResult<()> {
    if featured && !who.may(Permission::ManageCatalog) {
        return Err(CatalogError::Forbidden("Only who manages the catalog decides what is featured."));
    }
    Ok(())
}

fn created(product: &Product) -> ProductCreated {
    ProductCreated {
        product: product.id,
        sku: product.sku.clone(),
        name: product.name.clone(),
        vendor: product.vendor,
        price: product.price,
    }
}

fn repriced(before: &Product, after: &Product) -> ProductPriceChanged {
    ProductPriceChanged {
        product: after.id,
        before: before.price,
        price: after.price,
        price_version: after.price_version,
    }
}

/// What another transaction did at the same moment: it removed the category or the brand, or took the name.
fn meanwhile(error: DbError) -> CatalogError {
    match () {
        () if is_reference(&error) => {
            CatalogError::Conflict("The category or the brand was removed meanwhile.")
        }
        () if is_taken(&error, "product_sku_key") => CatalogError::Taken("SKU"),
        () if is_taken(&error, "product_slug_key") => CatalogError::Taken("slug"),
        () => CatalogError::Db(error),
    }
}
