//! What the platform finds in its own books.

use crate::client::Client;
use anyhow::{Result, ensure};
use contract::audit::Finding;
use http::Method;
use std::fmt;

/// What the processes with these operations listeners find now; what replicas find comes from each of them.
pub(crate) async fn audit(operations: &[Client]) -> Result<Vec<Finding>> {
    let mut found: Vec<Finding> = Vec::new();
    for listener in operations {
        let mut answer = listener.ask(Method::GET, "/audit", None, None).await?;
        ensure!(answer.status.is_success(), "the books cannot be looked at: {}", answer.body);
        found.append(&mut serde_json::from_value(answer.body["findings"].take())?);
    }
    Ok(found)
}

/// Whether the books are right. Books that nobody has looked at are not.
pub(crate) fn hold(findings: &[Finding]) -> bool {
    !findings.is_empty() && findings.iter().all(Finding::holds)
}

/// Writes what is wrong with a book, a line each, that far from the edge.
pub(crate) fn write_what_is_wrong(
    f: &mut fmt::Formatter<'_>,
    indent: usize,
    finding: &Finding,
) -> fmt::Result {
    for violation in &finding.violations {
        writeln!(f, "{:indent$}{}: {}", "", violation.subject, violation.found)?;
    }
    match &finding.error {
        Some(error) => writeln!(f, "{:indent$}{error}", ""),
        None => Ok(()),
    }
}
