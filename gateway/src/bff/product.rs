//! `GET /api/v1/bff/products/{id}`.

use super::part::{Gathering, Outcome, ask, look};
use super::{Bff, NEWEST, SHOWN};
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Reply, reply};
use contract::ErrorBody;
use contract::bff::{Part, ProductPage};
use contract::catalog::{Product, ProductCard};
use contract::client::CallError;
use contract::error::ErrorKind;
use contract::ids::ProductId;
use contract::inventory::Availability;
use contract::page::Success;
use std::time::Duration;

/// When to ask again for a product that nobody can tell about.
const AGAIN: Duration = Duration::from_secs(1);

/// The page about a product: the product, whether it can be had, what its buyers say, and what is sold beside it.
#[utoipa::path(
    get,
    path = "/api/v1/bff/products/{id}",
    tag = "pages",
    params(("id" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "The page, with whatever was there in time; `missing` and `stale` say what was not",
            body = Success<ProductPage>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "No such product", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Nobody can tell about the product now; Retry-After says when to ask again",
            body = ErrorBody),
    )
)]
pub(super) async fn product_page(
    State(bff): State<Bff>,
    Path(id): Path<ProductId>,
) -> ApiResult<Reply<ProductPage>> {
    let (product, availability, rating, reviews, related) = tokio::join!(
        bff.product(id),
        bff.availability(id),
        ask(bff.reviews.as_ref(), bff.patience, |reviews| async move { reviews.rating(id).await }),
        ask(bff.reviews.as_ref(), bff.patience, |reviews| async move { reviews.newest(id, NEWEST).await }),
        bff.related(id),
    );
    if matches!(product, Outcome::Nothing) {
        return Err(ApiError::not_found("product"));
    }
    let mut page = Gathering::default();
    let Some(product) = page.take(Part::Product, product) else {
        return Err(ApiError::unavailable(anyhow::anyhow!("the catalog does not answer"), AGAIN));
    };
    Ok(reply(ProductPage {
        product,
        availability: page.take(Part::Availability, availability),
        rating: page.take(Part::Rating, rating),
        reviews: page.take(Part::Reviews, reviews),
        related: page.take(Part::Related, related),
        completeness: page.completeness(),
    }))
}

impl Bff {
    async fn product(&self, id: ProductId) -> Outcome<Product> {
        look(&self.products, id.to_string(), self.catalog.as_ref(), move |catalog| async move {
            match catalog.product(id).await {
                Ok(product) => Ok(Some(product)),
                // It says that there is none: that is an answer.
                Err(CallError::Refused(error)) if error.code.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Never from a copy: what was there a minute ago may be sold.
    async fn availability(&self, id: ProductId) -> Outcome<Availability> {
        let asked = ask(self.inventory.as_ref(), self.patience, |inventory| async move {
            inventory.availability(&[id]).await
        });
        match asked.await {
            // A product of which no stock has been counted yet cannot be had.
            Outcome::Fresh(found) => Outcome::Fresh(found.into_iter().next().unwrap_or(Availability {
                product: id,
                in_stock: false,
                few_left: false,
                counted: None,
            })),
            Outcome::Stale(_) | Outcome::Nothing => Outcome::Nothing,
            Outcome::Missing(why) => Outcome::Missing(why),
        }
    }

    async fn related(&self, id: ProductId) -> Outcome<Vec<ProductCard>> {
        look(&self.cards, format!("related-{id}"), self.catalog.as_ref(), move |catalog| async move {
            catalog.related(&[id], SHOWN).await.map(|cards| Some(cards.products))
        })
        .await
    }
}
