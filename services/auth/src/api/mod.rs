//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod audit;
mod change_password;
mod end_other_sessions;
mod end_session;
mod forgot_password;
mod get_contact;
mod get_feed;
mod get_jwks;
mod get_me;
mod list_sessions;
mod login;
mod logout;
mod logout_all;
mod organizations;
mod profiles;
mod refresh;
mod register;
mod resend_verification;
mod reset_password;
mod update_me;
mod users;
mod verify_email;

use crate::app::App;
use axum::routing::get;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    open().merge(guarded())
}

/// Routes at which a password, a link or an address could be guessed, and which send mail: the policy `auth` counts them.
pub(crate) fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(forgot_password::forgot_password))
        .routes(routes!(reset_password::reset_password))
        .routes(routes!(verify_email::verify_email))
        .routes(routes!(resend_verification::resend_verification))
}

/// All others.
pub(crate) fn open() -> OpenApiRouter<App> {
    let about = "Accounts, sessions, tokens, organisations, audit.";
    OpenApiRouter::with_openapi(document("Identity", about))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(change_password::change_password))
        .routes(routes!(list_sessions::list_sessions, end_other_sessions::end_other_sessions))
        .routes(routes!(end_session::end_session))
        .routes(routes!(get_me::get_me, update_me::update_me))
        .merge(users::routes())
        .merge(profiles::routes())
        .merge(organizations::routes())
        .merge(audit::routes())
        .routes(routes!(get_jwks::get_jwks))
        // Not in the document: from outside there are no such routes.
        .route("/internal/v1/auth/feed", get(get_feed::get_feed))
        .route("/internal/v1/auth/contacts/{user}", get(get_contact::get_contact))
}
