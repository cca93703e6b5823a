//! What a copy is found by.

/// The name of one thing in a cache, and the tags by which many are forgotten together.
///
/// The name holds everything on which the thing depends. It stands in Redis, so it holds nothing secret. Tags belong to the
/// service, not to one cache, and follow from the name: the same name always has the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    tags: Vec<String>,
}

impl Key {
    /// A key without tags.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), tags: Vec::new() }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The name with that of its cache, as instances call it among each other.
    pub(super) fn qualified(&self, cache: &str) -> String {
        format!("{cache}:{}", self.name)
    }
}

impl<N: Into<String>> From<N> for Key {
    fn from(name: N) -> Self {
        Self::new(name)
    }
}
