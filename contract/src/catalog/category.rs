//! Categories, a tree, and brands.

use super::valid::{self, present};
use crate::ids::{BrandId, CategoryId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A category on the way to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryStep {
    /// The category.
    pub id: CategoryId,
    /// What stands for it in an address.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// Its identifier.
    pub id: CategoryId,
    /// The one that it is in; none for one at the top.
    pub parent: Option<CategoryId>,
    /// What stands for it in an address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its place among those beside it, the smallest first; equal ones stand by name.
    pub position: i32,
    /// The way to it from the top, without itself.
    pub path: Vec<CategoryStep>,
    /// The version of the whole tree, which a change of any category raises; also its entity tag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// A category with all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryNode {
    /// Its identifier.
    pub id: CategoryId,
    /// What stands for it in an address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Those in it, in their order.
    #[schema(no_recursion)]
    pub children: Vec<CategoryNode>,
}

/// `POST /api/v1/categories`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCategory {
    /// Its name.
    #[garde(length(chars, max = 100), custom(valid::line))]
    #[schema(example = "Lighting")]
    pub name: String,
    /// What stands for it in an address; made of the name when it is absent.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The one that it is in; without it, it is at the top.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CategoryId>,
    /// Its place among those beside it.
    #[garde(range(min = -1_000_000, max = 1_000_000))]
    #[serde(default)]
    pub position: i32,
}

/// `PATCH /api/v1/categories/{id}`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCategory {
    /// Its name; the slug stays.
    #[garde(inner(length(chars, max = 100), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What stands for it in an address.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The one that it is in from now on, with all below it; null puts it at the top.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CategoryId>)]
    pub parent: Option<Option<CategoryId>>,
    /// Its place among those beside it.
    #[garde(inner(range(min = -1_000_000, max = 1_000_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
}

/// Who makes products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Brand {
    /// Its identifier.
    pub id: BrandId,
    /// What stands for it in an address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its version, which every change raises; also its entity tag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// `POST /api/v1/brands`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBrand {
    /// Its name.
    #[garde(length(chars, max = 100), custom(valid::line))]
    #[schema(example = "Lumen")]
    pub name: String,
    /// What stands for it in an address; made of the name when it is absent.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

/// `PATCH /api/v1/brands/{id}`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateBrand {
    /// Its name; the slug stays.
    #[garde(inner(length(chars, max = 100), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What stands for it in an address.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}
