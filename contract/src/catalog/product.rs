//! Products: what is sold, by whom and for how much.

use super::valid::{self, present};
use crate::ids::{BrandId, CategoryId, ProductId, UserId};
use crate::money::Money;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Where it is, `https://` or `http://`.
    #[garde(custom(valid::image_url))]
    #[schema(example = "https://img.example/lamp.jpg")]
    pub url: String,
    /// What is to be seen on it, for who does not see it.
    #[garde(inner(length(chars, max = 200), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// A property of a product, such as its colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// Which property.
    #[garde(length(chars, max = 60), custom(valid::line))]
    #[schema(example = "Colour")]
    pub name: String,
    /// How it is.
    #[garde(length(chars, max = 200), custom(valid::line))]
    #[schema(example = "Walnut")]
    pub value: String,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its identifier.
    pub id: ProductId,
    /// What stands for it in an address.
    pub slug: String,
    /// Its number in the warehouse.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What one costs.
    pub price: Money,
    /// Which version of its price that is.
    pub price_version: i64,
    /// Whether it is sold.
    pub active: bool,
    /// Whether the shop puts it forward.
    pub featured: bool,
    /// Who sells it.
    pub vendor: UserId,
    /// Its category.
    pub category: Option<CategoryId>,
    /// Who makes it.
    pub brand: Option<BrandId>,
    /// Pictures of it, the first one first.
    pub images: Vec<Image>,
    /// Its properties.
    pub attributes: Vec<Attribute>,
    /// Its version, which every change raises; also its entity tag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// `POST /api/v1/products`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProduct {
    /// Its number in the warehouse; no other product has it.
    #[garde(custom(valid::sku))]
    #[schema(example = "LAMP-1")]
    pub sku: String,
    /// Its name.
    #[garde(length(chars, max = 200), custom(valid::line))]
    #[schema(example = "Desk lamp")]
    pub name: String,
    /// What stands for it in an address; made of the name when it is absent.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What it is.
    #[garde(length(chars, max = 20_000), custom(valid::text))]
    #[serde(default)]
    pub description: String,
    /// What one costs.
    #[garde(custom(valid::price))]
    pub price: Money,
    /// Its category.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Who makes it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<BrandId>,
    /// Who sells it, when that is somebody else than who asks: for who manages the catalog.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<UserId>,
    /// Whether it is sold.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether the shop puts it forward: for who manages the catalog.
    #[garde(skip)]
    #[serde(default)]
    pub featured: bool,
    /// Pictures of it, 20 at most.
    #[garde(dive, custom(valid::images))]
    #[serde(default)]
    pub images: Vec<Image>,
    /// Its properties, 50 at most, each name once.
    #[garde(dive, custom(valid::attributes))]
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

const fn yes() -> bool {
    true
}

impl CreateProduct {
    /// A product with nothing but what it must have; it is sold.
    #[must_use]
    pub fn new(sku: impl Into<String>, name: impl Into<String>, price: Money) -> Self {
        Self {
            sku: sku.into(),
            name: name.into(),
            slug: None,
            description: String::new(),
            price,
            category: None,
            brand: None,
            vendor: None,
            active: true,
            featured: false,
            images: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// `PATCH /api/v1/products/{id}`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateProduct {
    /// Its number in the warehouse.
    #[garde(inner(custom(valid::sku)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its name; the slug stays.
    #[garde(inner(length(chars, max = 200), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What stands for it in an address; the address until now leads nowhere then.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What it is.
    #[garde(inner(length(chars, max = 20_000), custom(valid::text)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What one costs from now on.
    #[garde(inner(custom(valid::price)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Its category; null takes it out of any.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CategoryId>)]
    pub category: Option<Option<CategoryId>>,
    /// Who makes it; null for nobody in particular.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BrandId>)]
    pub brand: Option<Option<BrandId>>,
    /// Whether it is sold.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether the shop puts it forward: for who manages the catalog.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<bool>,
    /// All pictures from now on.
    #[garde(inner(custom(valid::image_list)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<Image>>,
    /// All properties from now on.
    #[garde(inner(custom(valid::attribute_list)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
}

/// What a product cost from some moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceVersion {
    /// Which version of the price, from 1.
    pub version: i64,
    /// What one cost.
    pub price: Money,
    /// From when on.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Who set it.
    pub by: UserId,
}

/// As much of a product as stands in a list of other things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductCard {
    /// The product.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// What stands for it in an address.
    pub slug: String,
    /// What one costs.
    pub price: Money,
    /// The address of its first image.
    pub image: Option<String>,
    /// Whether the shop puts it forward.
    pub featured: bool,
    /// Whether it is sold.
    pub active: bool,
    /// Who sells it.
    pub vendor: UserId,
}

impl From<&Product> for ProductCard {
    fn from(product: &Product) -> Self {
        Self {
            id: product.id,
            name: product.name.clone(),
            slug: product.slug.clone(),
            price: product.price,
            image: product.images.first().map(|image| image.url.clone()),
            featured: product.featured,
            active: product.active,
            vendor: product.vendor,
        }
    }
}

/// Products as cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductCards {
    /// Those that are there.
    pub products: Vec<ProductCard>,
    /// Whether some are older than they should be, because the database does not answer. Nothing is sold from them.
    pub stale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_a_category_away_and_absence_leaves_it() {
        let change: UpdateProduct = serde_json::from_str(r#"{"category":null}"#).unwrap();
        assert_eq!(change.category, Some(None));
        assert_eq!(serde_json::from_str::<UpdateProduct>("{}").unwrap(), UpdateProduct::default());
    }

    #[test]
    fn what_is_made_is_sold_unless_it_is_said() {
        let body = r#"{"sku":"A","name":"A","price":{"amount":1,"currency":"EUR"}}"#;
        let made: CreateProduct = serde_json::from_str(body).unwrap();
        assert!(made.active && !made.featured && made.validate().is_ok());
    }

    #[test]
    fn a_wrong_image_of_a_change_is_refused_too() {
        for body in [
            r#"{"images":[{"url":"javascript:1"}]}"#,
            r#"{"attributes":[{"name":"a","value":"1"},{"name":"a ","value":"2"}]}"#,
            r#"{"price":{"amount":0,"currency":"EUR"}}"#,
        ] {
            assert!(serde_json::from_str::<UpdateProduct>(body).unwrap().validate().is_err(), "{body}");
        }
    }
}
