//! The tree of categories: showing it and changing it.
//!
//! Whoever changes it holds the whole of it, so that two moves at once cannot make a circle that neither of them sees.

use super::App;
use crate::domain::slug::slugs;
use crate::domain::tree::{Entry, Tree, TreeRule};
use crate::error::{CatalogError, CatalogResult};
use crate::store::{category, is_reference};
use chassis::cache::Cached;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use contract::catalog::{Category, CategoryChanged, CreateCategory, UpdateCategory};
use contract::ids::CategoryId;

impl App {
    /// The tree.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tree(&self) -> CatalogResult<Cached<Tree>> {
        self.tree_view().await
    }

    /// Makes a category.
    ///
    /// # Errors
    /// [`CatalogError::Taken`], and [`CatalogError::Field`] for a parent that cannot be.
    pub async fn create_category(&self, request: CreateCategory) -> CatalogResult<(Tx, Category)> {
        let now = self.clock.now().micros();
        let CreateCategory { name, slug, parent, position } = request;
        let (id, name) = (CategoryId::new(), name.trim().to_owned());
        let tries = slug.map_or_else(|| slugs(&name, id.uuid()).to_vec(), |slug| vec![slug]);
        let mut tx = self.db.begin().await?;
        let tree = category::lock(&mut tx).await?;
        tree.may_stand(None, parent)?;
        let slug = String::new();
        let mut entry = Entry { id, parent, slug, name, position, created_at: now, updated_at: now };
        for slug in tries {
            entry.slug = slug;
            if category::insert(&mut tx, &entry).await? {
                let made = self.tree_changed(&mut tx, id).await?;
                return Ok((tx, made.category(id).ok_or(CatalogError::NotFound("category"))?));
            }
        }
        Err(CatalogError::Taken("slug"))
    }

    /// Changes a category, or moves it with all below it.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::Taken`], [`CatalogError::Field`], and [`CatalogError::Precondition`] when
    /// the client has seen another version of the tree.
    pub async fn update_category(
        &self,
        id: CategoryId,
        change: UpdateCategory,
        seen: &IfMatch,
    ) -> CatalogResult<(Tx, Category)> {
        let now = self.clock.now().micros();
        let mut tx = self.db.begin().await?;
        let tree = category::lock(&mut tx).await?;
        let mut entry = tree.find(id).cloned().ok_or(CatalogError::NotFound("category"))?;
        check(seen, &tree)?;
        let UpdateCategory { name, slug, parent, position } = change;
        if let Some(parent) = parent.filter(|parent| *parent != entry.parent) {
            tree.may_stand(Some(id), parent)?;
            entry.parent = parent;
        }
        if let Some(slug) = slug.filter(|slug| *slug != entry.slug) {
            if tree.has_slug(&slug) {
                return Err(CatalogError::Taken("slug"));
            }
            entry.slug = slug;
        }
        entry.name = name.map_or(entry.name, |name| name.trim().to_owned());
        entry.position = position.unwrap_or(entry.position);
        entry.updated_at = now;
        category::update(&mut tx, &entry).await?;
        let changed = self.tree_changed(&mut tx, id).await?;
        Ok((tx, changed.category(id).ok_or(CatalogError::NotFound("category"))?))
    }

    /// Removes a category in which there is nothing.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::Conflict`] when something is in it, and [`CatalogError::Precondition`]
    /// when the client has seen another version of the tree.
    pub async fn remove_category(&self, id: CategoryId, seen: &IfMatch) -> CatalogResult<Tx> {
        const NOT_EMPTY: CatalogError = CatalogError::Conflict("There are products or categories in it.");
        let mut tx = self.db.begin().await?;
        let tree = category::lock(&mut tx).await?;
        tree.find(id).ok_or(CatalogError::NotFound("category"))?;
        check(seen, &tree)?;
        if tree.has_children(id) {
            return Err(NOT_EMPTY);
        }
        let removed = category::delete(&mut tx, id).await;
        // On PostgreSQL a product may be put into it at the same moment.
        let removed = removed.or_else(|error| if is_reference(&error) { Ok(false) } else { Err(error) })?;
        if !removed {
            return Err(NOT_EMPTY);
        }
        self.tree_changed(&mut tx, id).await?;
        Ok(tx)
    }

    /// Tells of a change of the tree, and reads what it has become.
    async fn tree_changed(&self, tx: &mut Tx, id: CategoryId) -> CatalogResult<Tree> {
        let tree = category::all_in(tx).await?;
        self.outbox.publish(tx, &CategoryChanged { category: id, version: tree.version }).await?;
        self.views.tree_changed(tx);
        Ok(tree)
    }
}

/// The tree is held, so its version is one more than what a client has seen.
fn check(seen: &IfMatch, held: &Tree) -> CatalogResult<()> {
    seen.check(held.version - 1).map_err(CatalogError::Precondition)
}

impl From<TreeRule> for CatalogError {
    fn from(rule: TreeRule) -> Self {
        match rule {
            TreeRule::NoParent => Self::Field("parent", "no such category"),
            TreeRule::Circle => Self::Field("parent", "a category cannot be in itself"),
            TreeRule::TooDeep => Self::Field("parent", "categories stand six deep at most"),
            TreeRule::TooMany => Self::Conflict("There are 5000 categories at most."),
        }
    }
}
