//! The tree of categories.
//!
//! What must hold: it has no circles, and nothing in it is deeper than [`DEEPEST`]. Whoever changes it holds the whole tree,
//! so what is decided here is decided on what there is.

use chassis::clock::Ts;
use chassis::words::fold;
use contract::catalog::{Category, CategoryNode, CategoryStep};
use contract::ids::CategoryId;
use serde::{Deserialize, Serialize};

/// How many categories stand one in another at most.
pub const DEEPEST: usize = 6;
/// How many categories there are at most: the tree is read as a whole.
pub const MOST: usize = 5_000;

/// A category as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its identifier.
    pub id: CategoryId,
    /// The one that it is in.
    pub parent: Option<CategoryId>,
    /// What stands for it in an address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its place among those beside it.
    pub position: i32,
    /// When it was made, in microseconds.
    pub created_at: i64,
    /// When it last changed, in microseconds.
    pub updated_at: i64,
}

/// All categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Its version, which every change of any category raises.
    pub version: i64,
    entries: Vec<Entry>,
}

/// Why a category cannot stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeRule {
    /// There is no such parent.
    #[error("no such category")]
    NoParent,
    /// It would be in itself.
    #[error("a category cannot be in itself")]
    Circle,
    /// It, or one in it, would be too deep.
    #[error("categories stand six deep at most")]
    TooDeep,
    /// There are too many.
    #[error("there are 5000 categories at most")]
    TooMany,
}

impl Tree {
    /// A tree of what is kept, in whatever order.
    #[must_use]
    pub fn new(version: i64, mut entries: Vec<Entry>) -> Self {
        entries.sort_by_cached_key(|entry| (entry.position, fold(&entry.name), entry.id));
        Self { version, entries }
    }

    /// A category.
    #[must_use]
    pub fn find(&self, id: CategoryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Those that are right in one, or at the top, in their order.
    fn within(&self, parent: Option<CategoryId>) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.parent == parent)
    }

    /// The slug of each category.
    pub fn slugs(&self) -> impl Iterator<Item = (&str, CategoryId)> {
        self.entries.iter().map(|entry| (entry.slug.as_str(), entry.id))
    }

    /// Whether a category has this slug.
    #[must_use]
    pub fn has_slug(&self, slug: &str) -> bool {
        self.entries.iter().any(|entry| entry.slug == slug)
    }

    /// Whether something is right in a category.
    #[must_use]
    pub fn has_children(&self, id: CategoryId) -> bool {
        self.within(Some(id)).next().is_some()
    }

    /// The way from the top to a category, with itself.
    fn path(&self, id: CategoryId) -> Vec<&Entry> {
        let mut path: Vec<&Entry> = Vec::new();
        let mut next = self.find(id);
        while let Some(entry) = next.filter(|_| path.len() < DEEPEST) {
            path.push(entry);
            next = entry.parent.and_then(|parent| self.find(parent));
        }
        path.reverse();
        path
    }

    /// How many stand one in another from a category downwards, itself counted.
    fn height(&self, id: CategoryId) -> usize {
        let below = self.within(Some(id)).map(|child| self.height(child.id)).max();
        1 + below.unwrap_or_default()
    }

    /// Whether a new category (`None`) or one of these may stand in `parent`, or at the top.
    ///
    /// # Errors
    /// See [`TreeRule`].
    pub fn may_stand(&self, id: Option<CategoryId>, parent: Option<CategoryId>) -> Result<(), TreeRule> {
        if id.is_none() && self.entries.len() >= MOST {
            return Err(TreeRule::TooMany);
        }
        let above = match parent {
            Some(parent) => self.path(parent),
            None => Vec::new(),
        };
        if parent.is_some() && above.is_empty() {
            return Err(TreeRule::NoParent);
        }
        if above.iter().any(|entry| Some(entry.id) == id) {
            return Err(TreeRule::Circle);
        }
        let height = id.map_or(1, |id| self.height(id));
        if above.len() + height > DEEPEST { Err(TreeRule::TooDeep) } else { Ok(()) }
    }

    /// How many categories there are, and which are not reached from the top within the depth that may be.
    #[must_use]
    pub fn lost(&self) -> (u64, Vec<CategoryId>) {
        let reached = |id: &CategoryId| self.path(*id).first().is_some_and(|top| top.parent.is_none());
        let all = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        (all, self.entries.iter().map(|entry| entry.id).filter(|id| !reached(id)).collect())
    }

    /// The whole tree from the top.
    #[must_use]
    pub fn nodes(&self) -> Vec<CategoryNode> {
        self.nodes_within(None)
    }

    fn nodes_within(&self, parent: Option<CategoryId>) -> Vec<CategoryNode> {
        let node = |entry: &Entry| CategoryNode {
            id: entry.id,
            slug: entry.slug.clone(),
            name: entry.name.clone(),
            children: self.nodes_within(Some(entry.id)),
        };
        self.within(parent).map(node).collect()
    }

    /// A category with the way to it.
    #[must_use]
    pub fn category(&self, id: CategoryId) -> Option<Category> {
        let entry = self.find(id)?;
        let step = |entry: &&Entry| CategoryStep {
            id: entry.id,
            slug: entry.slug.clone(),
            name: entry.name.clone(),
        };
        let path = self.path(id);
        let above = path.len().saturating_sub(1);
        Some(Category {
            id,
            parent: entry.parent,
            slug: entry.slug.clone(),
            name: entry.name.clone(),
            position: entry.position,
            path: path.iter().take(above).map(step).collect(),
            version: self.version,
            created_at: Ts::from_micros(entry.created_at).to_datetime(),
            updated_at: Ts::from_micros(entry.updated_at).to_datetime(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(n: usize) -> CategoryId {
        CategoryId(Uuid::from_u128(n as u128 + 1))
    }

    fn entry(n: usize, parent: Option<usize>, position: i32, name: &str) -> Entry {
        Entry {
            id: id(n),
            parent: parent.map(id),
            slug: format!("c{n}"),
            name: name.to_owned(),
            position,
            created_at: 0,
            updated_at: 0,
        }
    }

    /// One in another, so many deep.
    fn chain(length: usize) -> Tree {
        let link = |n: usize| entry(n, n.checked_sub(1), 0, "c");
        Tree::new(1, (0..length).map(link).collect())
    }

    #[test]
    fn those_beside_each_other_stand_by_position_and_then_by_name() {
        let tree = Tree::new(
            1,
            vec![
                entry(0, None, 2, "first"),
                entry(1, None, 1, "Zebra"),
                entry(2, None, 1, "Élan"),
                entry(3, Some(1), 0, "in zebra"),
            ],
        );
        let names: Vec<String> = tree.nodes().into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["Élan", "Zebra", "first"]);
        assert_eq!(tree.nodes()[1].children[0].name, "in zebra");
        let path = tree.category(id(3)).unwrap().path;
        assert_eq!(path.iter().map(|step| step.id).collect::<Vec<_>>(), [id(1)]);
    }

    #[test]
    fn a_category_is_never_in_itself() {
        let tree = chain(3);
        for below in 0..3 {
            assert_eq!(tree.may_stand(Some(id(0)), Some(id(below))), Err(TreeRule::Circle));
        }
        assert_eq!(tree.may_stand(Some(id(2)), Some(id(0))), Ok(()));
        assert_eq!(tree.may_stand(Some(id(2)), None), Ok(()));
    }

    #[test]
    fn nothing_stands_too_deep_and_nothing_in_it() {
        let tree = chain(DEEPEST);
        assert_eq!(tree.may_stand(None, Some(id(DEEPEST - 1))), Err(TreeRule::TooDeep));
        assert_eq!(tree.may_stand(None, Some(id(DEEPEST - 2))), Ok(()));
        // Two chains: the one cannot be hung into the other as a whole.
        let mut entries = chain(4).entries;
        entries.extend((10..13).map(|n| entry(n, (n > 10).then(|| n - 1), 0, "d")));
        let tree = Tree::new(1, entries);
        assert_eq!(tree.may_stand(Some(id(10)), Some(id(2))), Ok(()));
        assert_eq!(tree.may_stand(Some(id(10)), Some(id(3))), Err(TreeRule::TooDeep));
    }

    #[test]
    fn what_is_not_reached_from_the_top_is_lost() {
        assert_eq!(chain(DEEPEST).lost(), (6, vec![]));
        assert_eq!(chain(DEEPEST + 1).lost(), (7, vec![id(DEEPEST)]));
        let circle =
            Tree::new(1, vec![entry(0, Some(1), 0, "a"), entry(1, Some(0), 0, "b"), entry(2, None, 0, "c")]);
        assert_eq!(circle.lost(), (3, vec![id(0), id(1)]));
    }

    #[test]
    fn a_parent_exists() {
        assert_eq!(chain(1).may_stand(None, Some(id(7))), Err(TreeRule::NoParent));
    }

    proptest! {
        #[test]
        fn whatever_is_moved_where_everything_is_reached_from_the_top_within_the_limit(
            moves in prop::collection::vec((0_usize..12, prop::option::of(0_usize..12)), 0..60),
        ) {
            let mut tree = Tree::new(1, (0..12).map(|n| entry(n, None, 0, "c")).collect());
            for (what, to) in moves {
                let (what, to) = (id(what), to.map(id));
                if tree.may_stand(Some(what), to).is_ok() {
                    let mut entries = tree.entries.clone();
                    entries.iter_mut().filter(|entry| entry.id == what).for_each(|entry| entry.parent = to);
                    tree = Tree::new(1, entries);
                }
            }
            fn count(nodes: &[CategoryNode], depth: usize) -> usize {
                assert!(nodes.is_empty() || depth <= DEEPEST);
                nodes.iter().map(|node| 1 + count(&node.children, depth + 1)).sum()
            }
            prop_assert_eq!(count(&tree.nodes(), 1), 12);
        }
    }
}
