//! The frame of an OpenAPI 3.1 document: what every service's document has in common.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder,
};

/// The name of the security scheme of routes that want an access token.
pub const BEARER: &str = "bearer";

/// An empty document with a title, the licence, and the `bearer` scheme that makes "Authorize" work.
#[must_use]
pub fn document(title: &str, about: &str) -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .license(Some(license))
        .build();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The accessToken of a login."))
        .build();
    let components = ComponentsBuilder::new().security_scheme(BEARER, SecurityScheme::Http(scheme)).build();
    OpenApiBuilder::new().info(info).paths(PathsBuilder::new().build()).components(Some(components)).build()
}
