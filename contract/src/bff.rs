//! Pages put together by the door from what several services say. A page comes with whatever was there in time, and says what
//! is missing and what is older than now.

use crate::catalog::{CategoryNode, Product, ProductCard};
use crate::inventory::Availability;
use crate::notifications::Notification;
use crate::orders::OrderSummary;
use crate::reviews::{Rating, Review};
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

texts! {
    /// A part of a page.
    Part {
        /// What the shop puts forward.
        Featured = "featured",
        /// What is new in the shop.
        Newest = "newest",
        /// The tree of categories.
        Categories = "categories",
        /// The product of a page about one.
        Product = "product",
        /// Whether it can be had.
        Availability = "availability",
        /// What its reviews come to.
        Rating = "rating",
        /// Its newest reviews.
        Reviews = "reviews",
        /// What else is sold in its category.
        Related = "related",
        /// The newest orders of who asks.
        Orders = "orders",
        /// The newest messages to who asks.
        Notifications = "notifications",
        /// What else is sold where who asks has bought.
        Recommendations = "recommendations",
    }
}

texts! {
    /// Why a part is missing.
    WhyMissing {
        /// Its service did not answer in time.
        TooSlow = "TOO_SLOW",
        /// Its service cannot be reached, or is not able to answer.
        Unavailable = "UNAVAILABLE",
        /// Its service answered with an error.
        Failed = "FAILED",
        /// Its service is not part of this installation.
        NotInstalled = "NOT_INSTALLED",
    }
}

/// A part that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Which.
    pub part: Part,
    /// Why.
    pub why: WhyMissing,
}

/// How complete a page is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completeness {
    /// The parts that are missing; each is absent from the page.
    pub missing: Vec<Missing>,
    /// The parts that are older than now, because their service does not answer. They are to be shown; what is bought is
    /// priced anew.
    pub stale: Vec<Part>,
}

/// `GET /api/v1/bff/home`: the first page of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Home {
    /// What the shop puts forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<Vec<ProductCard>>,
    /// What is new, the newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Vec<ProductCard>>,
    /// The tree of categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<CategoryNode>>,
    /// How complete it is.
    #[serde(flatten)]
    pub completeness: Completeness,
}

/// `GET /api/v1/bff/products/{id}`: the page about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductPage {
    /// The product. There is no page without it.
    pub product: Product,
    /// Whether it can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// What its reviews come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// Its newest reviews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviews: Option<Vec<Review>>,
    /// What else is sold in its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Vec<ProductCard>>,
    /// How complete it is.
    #[serde(flatten)]
    pub completeness: Completeness,
}

/// `GET /api/v1/bff/dashboard`: what somebody wants to know who is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Their newest orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<OrderSummary>>,
    /// The newest messages to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Vec<Notification>>,
    /// What else is sold where they have bought; nothing for who has bought nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendations: Option<Vec<ProductCard>>,
    /// How complete it is.
    #[serde(flatten)]
    pub completeness: Completeness,
}
