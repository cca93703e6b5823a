//! The services under the measurements, put together as the run loop does it.

use crate::{FakeAuth, Folder, Issuer, eventually};
use chassis::clock::Clock;
use chassis::config::Sources;
use chassis::http::{Caller, Front};
use chassis::run::{Assembled, Platform, Targets};
use chassis::service::Registration;
use chassis::stop::{self, Stopper};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, StatusCode};
use std::net::{IpAddr, Ipv4Addr};

/// Who signs the tokens.
pub(super) const AUTH: Registration = Registration::of::<FakeAuth>();
/// Where requests seem to come from.
pub(super) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Services at work. They end when it is dropped.
pub(super) struct Ground {
    pub(super) assembled: Assembled,
    _folder: Folder,
    _stopper: Stopper,
}

/// All processes of a platform prove by it who they are.
const SERVICE_KEY: &str = "measured-measured-measured-measured-measured-measured";

/// Builds the targets of these services.
pub(super) async fn lay(
    services: &[Registration],
    targets: &str,
    issuer: &Issuer,
    settings: &[(String, String)],
) -> anyhow::Result<Ground> {
    let folder = Folder::new("bench")?;
    let mut settings = settings.to_vec();
    settings.push(("BOWLINE_AUTH__ISSUER".to_owned(), issuer.name().to_owned()));
    settings.push(("BOWLINE_IDENTITY__SERVICE_KEY".to_owned(), SERVICE_KEY.to_owned()));
    settings.push(("DATA_DIR".to_owned(), folder.path().display().to_string()));
    let platform = Platform::load(services, Sources::from_parts(None, settings))?;
    let (stopper, stop) = stop::channel();
    let targets = Targets::parse(targets, services)?;
    let assembled = Assembled::of(platform, &targets, None, Clock::system(), stop).await?;
    Ok(Ground { assembled, _folder: folder, _stopper: stopper })
}

/// Waits until tokens are verified.
pub(super) async fn ready(front: &Front, token: &HeaderValue) {
    eventually(async || {
        let request = Request::get("/api/v1/asked/own").header(AUTHORIZATION, token);
        let request = request.body(axum::body::Body::empty()).map_err(|error| error.to_string())?;
        match front.handle(request, Caller::Socket(CLIENT)).await.status() {
            StatusCode::OK => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
}
