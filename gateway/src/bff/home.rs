//! `GET /api/v1/bff/home`.

use super::part::{Gathering, Outcome, look};
use super::{Bff, SHOWN};
use axum::extract::State;
use chassis::http::{Reply, reply};
use contract::ErrorBody;
use contract::bff::{Home, Part};
use contract::catalog::{CategoryNode, ListProducts, ProductCard};
use contract::page::Success;

/// The first page of the shop: what is put forward, what is new, the categories.
#[utoipa::path(
    get,
    path = "/api/v1/bff/home",
    tag = "pages",
    responses(
        (status = 200, description = "The page, with whatever was there in time; `missing` and `stale` say what was not",
            body = Success<Home>),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
    )
)]
pub(super) async fn home(State(bff): State<Bff>) -> Reply<Home> {
    let featured = ListProducts { featured: Some(true), limit: SHOWN, ..ListProducts::default() };
    let newest =
        ListProducts { limit: SHOWN, sort: Some("-createdAt".to_owned()), ..ListProducts::default() };
    let (featured, newest, categories) =
        tokio::join!(bff.listed("featured", featured), bff.listed("newest", newest), bff.tree());
    let mut page = Gathering::default();
    reply(Home {
        featured: page.take(Part::Featured, featured),
        newest: page.take(Part::Newest, newest),
        categories: page.take(Part::Categories, categories),
        completeness: page.completeness(),
    })
}

impl Bff {
    async fn listed(&self, name: &str, query: ListProducts) -> Outcome<Vec<ProductCard>> {
        look(&self.cards, name.to_owned(), self.catalog.as_ref(), move |catalog| async move {
            let products = catalog.products(&query).await?;
            Ok(Some(products.iter().map(ProductCard::from).collect()))
        })
        .await
    }

    async fn tree(&self) -> Outcome<Vec<CategoryNode>> {
        look(&self.categories, "all".to_owned(), self.catalog.as_ref(), |catalog| async move {
            catalog.categories().await.map(Some)
        })
        .await
    }
}
