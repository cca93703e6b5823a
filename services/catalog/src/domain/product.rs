//! What a product begins as, and what a change of it is.

use chassis::clock::Ts;
use chassis::words::{fold, fold_all};
use contract::catalog::{CreateProduct, Product, UpdateProduct};
use contract::ids::{ProductId, UserId};

/// The first version of anything.
const FIRST: i64 = 1;

/// A product that is about to be made. The slug is still to be found when the request names none.
#[must_use]
pub fn made(request: CreateProduct, vendor: UserId, now: Ts) -> Product {
    let CreateProduct { sku, name, slug, description, price, category, brand, .. } = request;
    let CreateProduct { active, featured, images, attributes, .. } = request;
    let at = now.to_datetime();
    Product {
        id: ProductId::new(),
        slug: slug.unwrap_or_default(),
        sku,
        name: name.trim().to_owned(),
        description: description.trim().to_owned(),
        price,
        price_version: FIRST,
        active,
        featured,
        vendor,
        category,
        brand,
        images,
        attributes: attributes.into_iter().map(trimmed).collect(),
        version: FIRST,
        created_at: at,
        updated_at: at,
    }
}

fn trimmed(attribute: contract::catalog::Attribute) -> contract::catalog::Attribute {
    contract::catalog::Attribute {
        name: attribute.name.trim().to_owned(),
        value: attribute.value.trim().to_owned(),
    }
}

/// What a change made of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// It costs something else.
    pub price: bool,
    /// Something else about it is different.
    pub rest: bool,
}

impl Difference {
    /// Whether there is any.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.price || self.rest
    }
}

/// The product after a change, and what the change was. Versions and the time are raised when there was any.
#[must_use]
pub fn changed(before: &Product, change: UpdateProduct, now: Ts) -> (Product, Difference) {
    let UpdateProduct { sku, name, slug, description, price, category, brand, .. } = change;
    let UpdateProduct { active, featured, images, attributes, .. } = change;
    let mut after = Product {
        sku: sku.unwrap_or_else(|| before.sku.clone()),
        name: name.map_or_else(|| before.name.clone(), |name| name.trim().to_owned()),
        slug: slug.unwrap_or_else(|| before.slug.clone()),
        description: description.map_or_else(|| before.description.clone(), |text| text.trim().to_owned()),
        category: category.unwrap_or(before.category),
        brand: brand.unwrap_or(before.brand),
        active: active.unwrap_or(before.active),
        featured: featured.unwrap_or(before.featured),
        images: images.unwrap_or_else(|| before.images.clone()),
        attributes: attributes.map_or_else(
            || before.attributes.clone(),
            |attributes| attributes.into_iter().map(trimmed).collect(),
        ),
        ..before.clone()
    };
    let rest = after != *before;
    let price = price.filter(|price| *price != before.price);
    let difference = Difference { price: price.is_some(), rest };
    if let Some(price) = price {
        after.price = price;
        after.price_version += 1;
    }
    if difference.is_any() {
        after.version += 1;
        after.updated_at = now.to_datetime();
    }
    (after, difference)
}

/// What a product is found by: the words of its name, and those of everything else.
#[must_use]
pub fn words(product: &Product, brand: Option<&str>) -> (String, String) {
    let attributes = product.attributes.iter().map(|attribute| attribute.value.as_str());
    let rest = [product.sku.as_str(), brand.unwrap_or_default(), product.description.as_str()];
    (fold(&product.name), fold_all(rest.into_iter().chain(attributes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::money::{Currency, Money};

    fn lamp() -> Product {
        let request = CreateProduct::new("LAMP-1", " Lamp ", Money::new(100, Currency::EUR));
        made(request, UserId::new(), Ts::from_secs(1))
    }

    #[test]
    fn a_change_that_changes_nothing_raises_no_version() {
        let before = lamp();
        let change = UpdateProduct {
            name: Some("Lamp".to_owned()),
            price: Some(before.price),
            category: Some(None),
            ..UpdateProduct::default()
        };
        let (after, difference) = changed(&before, change, Ts::from_secs(2));
        assert_eq!((&after, difference.is_any()), (&before, false));
    }

    #[test]
    fn another_price_is_another_version_of_the_price() {
        let before = lamp();
        let price = Money::new(101, Currency::EUR);
        let change = UpdateProduct { price: Some(price), ..UpdateProduct::default() };
        let (after, difference) = changed(&before, change, Ts::from_secs(2));
        assert_eq!(difference, Difference { price: true, rest: false });
        assert_eq!((after.price, after.price_version, after.version), (price, 2, 2));
        assert_eq!(after.updated_at, Ts::from_secs(2).to_datetime());
    }

    #[test]
    fn another_name_leaves_the_slug_and_the_price() {
        let before = lamp();
        let change = UpdateProduct { name: Some("Desk lamp".to_owned()), ..UpdateProduct::default() };
        let (after, difference) = changed(&before, change, Ts::from_secs(2));
        assert_eq!(difference, Difference { price: false, rest: true });
        assert_eq!((after.slug, after.price_version, after.version), (before.slug, 1, 2));
    }
}
