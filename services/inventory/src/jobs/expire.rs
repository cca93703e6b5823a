//! Lets go of reservations whose time is over.

use crate::app::App;
use chassis::jobs::Job;

/// The job.
pub(crate) fn expire(app: App) -> Job {
    Job::every("expire-reservations", app.sweep_every, move |run| {
        let app = app.clone();
        async move {
            while !run.stop().is_stopping() && app.expire_some().await? {}
            Ok(())
        }
    })
}
