//! Why a request goes where it goes at the gateway.

use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// A request that is not made, to be explained.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExplainRequest {
    /// Its method.
    #[garde(ascii, length(min = 1, max = 16))]
    #[serde(default = "get")]
    pub method: String,
    /// Its path, with its query.
    #[garde(length(min = 1, max = 8_000), prefix("/"))]
    pub path: String,
    /// Its headers.
    #[garde(length(max = 100))]
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// What would become of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Its method.
    pub method: String,
    /// What it asks for.
    pub path: String,
    /// The host that it is for, without its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Routes of the file whose path fits and which are not meant.
    pub passed_over: Vec<PassedOver>,
    /// The route that is meant; none is 404.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<MeantRoute>,
    /// What each layer says, in the order in which they are asked.
    pub layers: Vec<Verdict>,
}

/// A route that is not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    /// Its name.
    pub route: String,
    /// Its line in the file of routes.
    pub line: usize,
    /// What the request is not.
    pub because: String,
}

/// The route that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeantRoute {
    /// Its name.
    pub name: String,
    /// Its line in the file of routes; a route of a service has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// What a layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The layer.
    pub layer: String,
    /// What it says.
    pub says: String,
    /// The line of the file behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, host, passed_over, route, layers } = self;
        write!(f, "{method} {path}")?;
        if let Some(host) = host {
            write!(f, " at {host}")?;
        }
        for PassedOver { route, line, because } in passed_over {
            write!(f, "\n  not      {route} (line {line}): {because}")?;
        }
        match route {
            None => write!(f, "\n  no route is meant: 404")?,
            Some(MeantRoute { name, line: Some(line) }) => write!(f, "\n  route    {name} (line {line})")?,
            Some(MeantRoute { name, line: None }) => write!(f, "\n  route    {name} (built in)")?,
        }
        for Verdict { layer, says, line } in layers {
            write!(f, "\n  {layer:<8} {says}")?;
            if let Some(line) = line {
                write!(f, " (line {line})")?;
            }
        }
        Ok(())
    }
}
