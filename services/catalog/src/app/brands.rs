//! Brands: showing them and changing them.

use super::App;
use crate::domain::product::words;
use crate::domain::slug::slugs;
use crate::error::{CatalogError, CatalogResult};
use crate::store::{brand, is_reference, is_taken, product};
use chassis::db::Tx;
use chassis::http::Page;
use chassis::http::etag::IfMatch;
use contract::catalog::{Brand, CreateBrand, ListBrands, UpdateBrand};
use contract::ids::BrandId;

/// Products whose words are written anew at a time.
const PART: u32 = 200;

impl App {
    /// A page of the brands, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn brands(&self, query: &ListBrands) -> CatalogResult<(Vec<Brand>, u64)> {
        Ok(brand::list(&self.db, query.q.as_deref(), Page::new(query.page, query.limit)).await?)
    }

    /// A brand.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    pub async fn brand(&self, id: BrandId) -> CatalogResult<Brand> {
        brand::find(&self.db, id).await?.ok_or(CatalogError::NotFound("brand"))
    }

    /// Makes a brand.
    ///
    /// # Errors
    /// [`CatalogError::Taken`].
    pub async fn create_brand(&self, request: CreateBrand) -> CatalogResult<(Tx, Brand)> {
        let (id, now) = (BrandId::new(), self.clock.now().to_datetime());
        let name = request.name.trim().to_owned();
        let tries = request.slug.map_or_else(|| slugs(&name, id.uuid()).to_vec(), |slug| vec![slug]);
        let mut made = Brand { id, slug: String::new(), name, version: 1, created_at: now, updated_at: now };
        let mut tx = self.db.begin().await?;
        for slug in tries {
            made.slug = slug;
            if brand::insert(&mut tx, &made).await? {
                return Ok((tx, made));
            }
        }
        Err(CatalogError::Taken("slug"))
    }

    /// Changes a brand. Its products are found by the new name from then on.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::Taken`], and [`CatalogError::Precondition`] when the client has seen
    /// another version.
    pub async fn update_brand(
        &self,
        id: BrandId,
        change: UpdateBrand,
        seen: &IfMatch,
    ) -> CatalogResult<(Tx, Brand)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let before = brand::lock(&mut tx, id).await?.ok_or(CatalogError::NotFound("brand"))?;
        seen.check(before.version).map_err(CatalogError::Precondition)?;
        let name = change.name.map_or_else(|| before.name.clone(), |name| name.trim().to_owned());
        let slug = change.slug.unwrap_or_else(|| before.slug.clone());
        if (&name, &slug) == (&before.name, &before.slug) {
            return Ok((tx, before));
        }
        if brand::is_taken(&mut tx, id, &slug).await? {
            return Err(CatalogError::Taken("slug"));
        }
        let after =
            Brand { name, slug, version: before.version + 1, updated_at: now.to_datetime(), ..before };
        let taken = |error| {
            if is_taken(&error, "brand_slug_key") { CatalogError::Taken("slug") } else { error.into() }
        };
        brand::update(&mut tx, &after).await.map_err(taken)?;
        self.rename_in_products(&mut tx, &after).await?;
        Ok((tx, after))
    }

    /// Removes a brand of which there is no product.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::Conflict`] when there is one, and [`CatalogError::Precondition`] when the
    /// client has seen another version.
    pub async fn remove_brand(&self, id: BrandId, seen: &IfMatch) -> CatalogResult<Tx> {
        let mut tx = self.db.begin().await?;
        let before = brand::lock(&mut tx, id).await?.ok_or(CatalogError::NotFound("brand"))?;
        seen.check(before.version).map_err(CatalogError::Precondition)?;
        let removed = brand::delete(&mut tx, id).await;
        let removed = removed.or_else(|error| if is_reference(&error) { Ok(false) } else { Err(error) })?;
        if removed { Ok(tx) } else { Err(CatalogError::Conflict("There are products of it.")) }
    }

    /// Writes anew what the products of a brand are found by.
    async fn rename_in_products(&self, tx: &mut Tx, brand: &Brand) -> CatalogResult<()> {
        let mut after = None;
        loop {
            let part = product::lock_of_brand(tx, brand.id, after, PART).await?;
            let Some(last) = part.last() else { return Ok(()) };
            after = Some(last.id);
            for one in &part {
                let (_, rest) = words(one, Some(&brand.name));
                product::set_rest_words(tx, one.id, &rest).await?;
            }
        }
    }
}
