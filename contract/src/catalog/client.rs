//! The typed client of the catalog.

use super::{
    Brand, Category, CategoryNode, CreateBrand, CreateCategory, CreateProduct, ListProducts, Product,
    ProductCards, Quote, QuoteRequest, UpdateProduct,
};
use crate::client::{CallError, Caller, endpoints};
use crate::ids::{CategoryId, ProductId};

/// Speaks to the catalog. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct CatalogClient {
    caller: Caller,
}

impl CatalogClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// A page of products.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn products(&self, query: &ListProducts) -> Result<Vec<Product>, CallError> {
        let query = serde_urlencoded::to_string(query).map_err(|e| CallError::Undecodable(e.to_string()))?;
        self.caller.get(&format!("/api/v1/products?{query}")).await
    }

    /// Cards of these products, sold or not; one that is not in the answer does not exist. From copies: to be shown, never
    /// to be sold from.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn cards(&self, ids: &[ProductId]) -> Result<ProductCards, CallError> {
        self.caller.get(&format!("/internal/v1/catalog/products?ids={}", joined(ids))).await
    }

    /// What else is sold in the categories of these products, at most so many; none of them is among it.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn related(&self, products: &[ProductId], limit: u32) -> Result<ProductCards, CallError> {
        let products = joined(products);
        self.caller.get(&format!("/internal/v1/catalog/related?products={products}&limit={limit}")).await
    }

    endpoints! {
        /// What products are and cost at this moment, from the catalog's database and never from a copy.
        quote(body: &QuoteRequest) -> Quote = POST "/internal/v1/catalog/quote", body;
        /// A product.
        product(id: ProductId) -> Product = GET format!("/api/v1/products/{id}");
        /// Makes a product.
        create_product(body: &CreateProduct) -> Product = POST "/api/v1/products", body;
        /// Changes a product.
        update_product(id: ProductId, body: &UpdateProduct) -> Product = PATCH format!("/api/v1/products/{id}"), body;
        /// Removes a product.
        remove_product(id: ProductId) -> () = DELETE format!("/api/v1/products/{id}");
        /// The tree of categories.
        categories() -> Vec<CategoryNode> = GET "/api/v1/categories";
        /// A category.
        category(id: CategoryId) -> Category = GET format!("/api/v1/categories/{id}");
        /// Makes a category.
        create_category(body: &CreateCategory) -> Category = POST "/api/v1/categories", body;
        /// Makes a brand.
        create_brand(body: &CreateBrand) -> Brand = POST "/api/v1/brands", body;
    }
}

fn joined(ids: &[ProductId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
