//! Answers requests for a link to set a new password, apart from the requests: so asking takes the same time for every
//! address.

use crate::app::App;
use crate::domain::audit::Origin;
use crate::domain::email::Email;
use chassis::db::Tx;
use chassis::jobs::{JobError, JobResult, Perform, Run, Task};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A request, as somebody typed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerResetRequest {
    email: String,
    ip: Option<IpAddr>,
    correlation_id: Option<String>,
}

impl AnswerResetRequest {
    pub(crate) fn of(email: &Email, Origin { ip, correlation_id }: &Origin) -> Self {
        Self { email: email.as_str().to_owned(), ip: *ip, correlation_id: correlation_id.clone() }
    }
}

impl Task for AnswerResetRequest {
    const NAME: &'static str = "answer-reset-request";
}

impl Perform<AnswerResetRequest> for App {
    async fn perform(&self, t: &mut Tx, task: AnswerResetRequest, _: &Run) -> JobResult {
        let AnswerResetRequest { email, ip, correlation_id } = task;
        let email = Email::parse(&email).map_err(|_| JobError::give_up(anyhow::anyhow!("not an address")))?;
        Ok(self.answer_reset_request(t, &email, &Origin { ip, correlation_id }).await?)
    }
}
