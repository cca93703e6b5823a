//! Whose cart a request is about.

use crate::domain::shopper::{SecretHash, Shopper};
use axum::extract::FromRequestParts;
use chassis::error::{ApiError, ApiResult};
use chassis::identity::MaybePrincipal;
use contract::ErrorCode;
use contract::auth::Token;
use contract::orders::X_CART_TOKEN;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// The shopper of a request: who is logged in, otherwise who has the secret in `X-Cart-Token`.
#[derive(Debug, Clone)]
pub(super) struct Shopping(pub(super) Shopper);

impl<S: Send + Sync> FromRequestParts<S> for Shopping {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        if let MaybePrincipal(Some(who)) = MaybePrincipal::from_request_parts(parts, state).await? {
            return Ok(Self(Shopper::User(who.user())));
        }
        let mut tokens = parts.headers.get_all(X_CART_TOKEN).into_iter();
        let token = match (tokens.next(), tokens.next()) {
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        };
        let secret = token.map(Token::new).ok_or_else(|| {
            let message =
                "Log in, or make a guest's cart with POST /api/v1/cart and send its token as X-Cart-Token.";
            ApiError::new(ErrorCode::Unauthenticated, message)
        })?;
        Ok(Self(Shopper::Guest(SecretHash::of(&secret))))
    }
}

impl IntoParams for Shopping {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about =
            "The secret of a guest's cart. With an access token it says nothing: the cart is that person's.";
        let header = ParameterBuilder::new()
            .name("X-Cart-Token")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![header.build()]
    }
}

/// `If-Match`, as the description of a route names it.
pub(super) struct Version;

impl IntoParams for Version {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The `version` of the cart that was seen, in quotes. When it is another one by now, nothing changes \
                     (412): so a change that is sent again takes effect once.";
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![header.build()]
    }
}
