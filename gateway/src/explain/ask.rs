//! `POST /api/v1/gateway/explain`: the same for a request that is not made.

use super::live::live;
use crate::door::{Door, Table};
use axum::body::Body;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cx, Json, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use chassis::service::{Context, Spec};
use contract::ErrorBody;
use contract::gateway::{ExplainRequest, Explanation};
use contract::page::Success;
use http::{HeaderName, HeaderValue, Method, Request};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What explains.
#[derive(Debug, Clone)]
pub(crate) struct Explainer {
    services: Arc<[&'static Spec]>,
    door: Option<Arc<Door>>,
}

impl Explainer {
    pub(crate) fn new(context: &Context, door: Option<Arc<Door>>) -> Self {
        Self { services: context.all_services().into(), door }
    }
}

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Explainer> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Why a request would go where it would go: the route that is meant, what each layer says, and the lines of the file of routes
/// behind that. Nothing is sent or counted. Who asks and from where is taken from this request.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/explain",
    tag = "gateway",
    security(("bearer" = [])),
    request_body = ExplainRequest,
    responses(
        (status = 200, description = "What would become of it", body = Success<Explanation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
    )
)]
pub(super) async fn explain(
    State(explainer): State<Explainer>,
    cx: Cx,
    _: Can<ManageGateway>,
    Json(asked): Json<ExplainRequest>,
) -> ApiResult<Reply<Explanation>> {
    let mut request = request(&asked)?;
    let table = explainer.door.as_ref().map_or_else(|| Arc::new(Table::default()), |door| door.table());
    Ok(reply(live(&table, &explainer.services, &cx, &mut request).await))
}

fn request(asked: &ExplainRequest) -> ApiResult<Request<Body>> {
    let method = asked.method.parse::<Method>();
    let method = method.map_err(|error| ApiError::invalid_field("method", error.to_string()))?;
    let made = Request::builder().method(method).uri(&asked.path).body(Body::empty());
    let mut request = made.map_err(|error| ApiError::invalid_field("path", error.to_string()))?;
    for (name, value) in &asked.headers {
        let field = || format!("headers.{name}");
        let named = name.parse::<HeaderName>();
        let named = named.map_err(|_| ApiError::invalid_field(field(), "is no name of a header"))?;
        let value = HeaderValue::from_str(value);
        let value = value.map_err(|_| ApiError::invalid_field(field(), "has letters that no header has"))?;
        request.headers_mut().append(named, value);
    }
    Ok(request)
}
