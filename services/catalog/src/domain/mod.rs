//! What a catalog knows without a database: slugs, the tree of categories, what changes of a product mean.

pub mod product;
pub mod slug;
pub mod tree;
