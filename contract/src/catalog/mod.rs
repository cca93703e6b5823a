//! The catalog's part of the language: products, categories, brands, prices.

mod client;
mod events;
mod quote;

pub use client::CatalogClient;
pub use events::{ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved};
pub use quote::{Quote, QuoteRequest, Quoted};
