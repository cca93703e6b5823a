//! The two folders of migrations make the same tables, except for what full text is searched in.

use assistant::Assistant;

/// What only one engine has: the table beside the passages with its shadows, and what it refers to; the column of vectors with
/// its index.
fn is_full_text(name: &str, of: &str) -> bool {
    let only = [("passage", "seq"), ("passage", "search"), ("passage_search_idx", "passage")];
    name == "passage_search" || name.starts_with("passage_search_") || only.contains(&(name, of))
}

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    testkit::schema::is_the_same_on_both_engines::<Assistant>(is_full_text).await;
}
