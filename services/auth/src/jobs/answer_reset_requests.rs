//! Answers the requests for a link to set a new password: at once when one comes in here, and every few seconds those
//! that another process wrote down and did not live to answer.

use crate::app::App;
use crate::error::AuthError;
use chassis::stop::Stop;
use std::time::Duration;
use tokio::time::timeout;

const AT_THE_LATEST: Duration = Duration::from_secs(5);

/// Runs until the stop. While the database is away the requests wait.
pub(crate) async fn answer_reset_requests(app: App, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        match app.answer_reset_request().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(AuthError::Db(error)) => tracing::warn!(%error, "requests for a new password wait"),
            Err(error) => tracing::error!(%error, "a request for a new password could not be answered"),
        }
        tokio::select! {
            // Asked for or not, the store is looked at again.
            _ = timeout(AT_THE_LATEST, app.reset_asked.notified()) => {}
            () = stop.stopping() => {}
        }
    }
    Ok(())
}
