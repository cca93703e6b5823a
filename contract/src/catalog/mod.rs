//! The catalog's part of the language: products, categories, brands, prices.

mod category;
mod client;
mod events;
mod list;
mod product;
mod quote;
mod tree_events;
mod valid;

pub use category::{
    Brand, Category, CategoryNode, CategoryStep, CreateBrand, CreateCategory, UpdateBrand, UpdateCategory,
};
pub use client::CatalogClient;
pub use events::{ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved};
pub use list::{CardsQuery, ListBrands, ListPrices, ListProducts, RelatedQuery, Sold};
pub use product::{
    Attribute, CreateProduct, Image, PriceVersion, Product, ProductCard, ProductCards, UpdateProduct,
};
pub use quote::{Quote, QuoteRequest, Quoted};
pub use tree_events::CategoryChanged;
