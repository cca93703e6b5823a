//! The table of routes: those of the file in the order in which they are tried, then those of the services.

use super::read;
use chassis::service::Spec;
use serde::Serialize;

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name; of a route of a service, the service's.
    pub name: String,
    /// Its methods, or `*`.
    pub methods: String,
    /// Its host and path.
    pub matches: String,
    /// Where it leads.
    pub target: String,
    /// Its line in the file; a route of a service has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// The routes of a file, if there is one, and of the services.
///
/// # Errors
/// Everything that is wrong with the file, a line each.
pub fn list(text: Option<&str>, services: &[&Spec]) -> Result<Vec<Listed>, String> {
    let plan = read(text.unwrap_or_default(), services)?;
    let of_file = plan.routes.iter().zip(&plan.lines).map(|(route, line)| {
        let spec = &route.spec;
        let methods = if spec.methods.is_empty() { "*".to_owned() } else { spec.methods.join(",") };
        let mut matches = format!("{}{}", spec.host.as_deref().unwrap_or_default(), spec.path);
        for (name, value) in &spec.query {
            matches.push_str(&format!(" ?{name}={value}"));
        }
        for (name, value) in &spec.headers {
            matches.push_str(&format!(" {name}: {value}"));
        }
        Listed { name: spec.name.clone(), methods, matches, target: route.target(), line: Some(*line) }
    });
    let built_in = |spec: &&Spec, matches: String| Listed {
        name: spec.name.to_owned(),
        methods: "*".to_owned(),
        matches,
        target: if spec.door { "the gateway".to_owned() } else { format!("service {}", spec.name) },
        line: None,
    };
    let of_services = services.iter().flat_map(|spec| {
        let nouns = spec.owns.iter().map(|noun| format!("/api/v1/{noun}/{{*path}}"));
        let paths = nouns.chain(spec.well_known.iter().map(|path| (*path).to_owned()));
        paths.map(move |path| built_in(spec, path))
    });
    Ok(of_file.chain(of_services).collect())
}

/// The noun of a path below `/api`, with or without a version.
pub(super) fn noun(path: &str) -> Option<&str> {
    let mut segments = path.strip_prefix("/api/")?.split('/');
    let first = segments.next()?;
    let is_version = first.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
    if is_version { segments.next() } else { Some(first) }
}
