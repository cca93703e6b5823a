//! Makes cargo notice a new migration file: the macro that embeds them only tells it about those that exist.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
