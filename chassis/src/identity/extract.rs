//! Identity in a handler's signature: who it wants is there to see, and a route without it is public.

use super::Principal;
use crate::error::{ApiError, ApiResult};
use crate::http::RequestContext;
use axum::extract::FromRequestParts;
use contract::ErrorCode;
use contract::identity::Permission;
use http::request::Parts;
use std::marker::PhantomData;

fn proved() -> ApiResult<Principal> {
    let known = RequestContext::with_current(|cx| cx.identity().cloned());
    match known.flatten() {
        Some(identity) => Ok(identity?),
        None => {
            Err(ApiError::new(ErrorCode::Unauthenticated, "Log in first: this route wants an access token."))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> ApiResult<Self> {
        proved()
    }
}

/// Somebody proved, or nobody. A token that does not hold is still refused.
#[derive(Debug, Clone)]
pub struct MaybePrincipal(pub Option<Principal>);

impl<S: Send + Sync> FromRequestParts<S> for MaybePrincipal {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> ApiResult<Self> {
        match RequestContext::with_current(|cx| cx.identity().cloned()).flatten() {
            Some(identity) => Ok(Self(Some(identity?))),
            None => Ok(Self(None)),
        }
    }
}

/// A permission as a type, for [`Can`].
pub trait Permit: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

/// Somebody proved who has the permission `P`.
#[derive(Debug, Clone)]
pub struct Can<P>(pub Principal, PhantomData<P>);

impl<P: Permit, S: Send + Sync> FromRequestParts<S> for Can<P> {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> ApiResult<Self> {
        let principal = proved()?;
        if principal.may(P::PERMISSION) {
            return Ok(Self(principal, PhantomData));
        }
        let message = format!("This needs the permission {}.", P::PERMISSION.as_str());
        Err(ApiError::new(ErrorCode::Forbidden, message))
    }
}

/// The permissions as types.
pub mod permits {
    use super::{Permission, Permit};

    macro_rules! permits {
        ($($name:ident)+) => {$(
            #[doc = concat!("[`Permission::", stringify!($name), "`].")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Permit for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+};
    }

    permits! {
        ManageUsers ReadAudit ManageOrganizations ReadMail SellProducts ManageCatalog ManageStock ManageOrders ManagePayments
        ModerateReviews ReadNotifications ManageAssistant ManageStatus ManageGateway
    }
}

/// A service that proved itself; for routes under `/internal`.
#[derive(Debug, Clone)]
pub struct ServiceCaller(pub Box<str>);

impl<S: Send + Sync> FromRequestParts<S> for ServiceCaller {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> ApiResult<Self> {
        let caller = RequestContext::with_current(|cx| cx.calling_service.clone()).flatten();
        // Not found, not forbidden: from outside there are no internal routes.
        caller.map(Self).ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such route."))
    }
}
