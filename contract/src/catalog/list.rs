//! What lists of the catalog are asked for.

use super::valid::commas;
use crate::ids::{BrandId, CategoryId, ProductId, UserId};
use crate::money::Currency;
use crate::page::{first_page, usual_limit};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

texts! {
    /// Which products, by whether they are sold.
    Sold {
        /// Those that are.
        Yes = "true",
        /// Those that are not: for who manages the catalog, and of a vendor's own.
        No = "false",
        /// All: for who manages the catalog, and of a vendor's own.
        Any = "any",
    }
}

impl Sold {
    /// What is meant when nothing is said.
    const fn usual() -> Self {
        Self::Yes
    }
}

/// The query of `GET /api/v1/products`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// Words of the name, the description, the brand or the attributes. All of them, each from its beginning; accents and
    /// capitals do not matter.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those of this category and of all below it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Only those of this brand.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<BrandId>,
    /// Only those of this vendor.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<UserId>,
    /// Only those that cost at least so many of the currency's smallest units.
    #[garde(inner(range(min = 0)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<i64>,
    /// Only those that cost at most so many of the currency's smallest units.
    #[garde(inner(range(min = 0)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<i64>,
    /// Only those whose price is in this currency.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// `true`: what is sold. `false` and `any` are for who manages the catalog; a vendor gets their own with them.
    #[garde(skip)]
    #[serde(default = "Sold::usual")]
    pub active: Sold,
    /// Only those that the shop puts forward, or only those that it does not.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<bool>,
    /// `createdAt`, `name`, `price` or `relevance`, with a leading `-` for descending. Without it the newest first, or with a
    /// search what fits best.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
    /// In place of a page: the `pagination.cursor` of the answer before. What is made or removed meanwhile moves no row from
    /// one page to another.
    #[garde(inner(length(max = 1_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Default for ListProducts {
    fn default() -> Self {
        Self {
            search: None,
            category: None,
            brand: None,
            vendor: None,
            min_price: None,
            max_price: None,
            currency: None,
            active: Sold::Yes,
            featured: None,
            sort: None,
            page: first_page(),
            limit: usual_limit(),
            cursor: None,
        }
    }
}

/// The query of `GET /api/v1/products/{id}/prices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPrices {
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
    /// The `pagination.cursor` of the answer before.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The query of `GET /api/v1/brands`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListBrands {
    /// Beginning of the name; accents and capitals do not matter.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// The query of `GET /internal/v1/catalog/products`: cards of these products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardsQuery {
    /// Which, with commas between them.
    #[garde(length(min = 1, max = 100))]
    #[serde(with = "commas")]
    pub ids: Vec<ProductId>,
}

/// The query of `GET /internal/v1/catalog/related`: what else is sold in the categories of these products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RelatedQuery {
    /// Which, with commas between them.
    #[garde(length(min = 1, max = 100))]
    #[serde(with = "commas")]
    pub products: Vec<ProductId>,
    /// How many at most.
    #[garde(range(min = 1, max = 50))]
    #[serde(default = "usual_limit")]
    pub limit: u32,
}
