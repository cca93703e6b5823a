//! The two folders of migrations make the same tables.

use status::Status;

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    testkit::schema::is_the_same_on_both_engines::<Status>(|_, _| false).await;
}
