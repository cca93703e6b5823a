//! What a catalog knows without a database: words, slugs, the tree of categories, places in a list, what changes of a product
//! mean.

pub mod cursor;
pub mod product;
pub mod slug;
pub mod tree;
pub mod words;
