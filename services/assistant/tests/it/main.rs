//! The assistant through its router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod answers;
mod bench;
mod budgets;
mod conversations;
mod failures;
mod idempotency;
mod knowledge;
mod knowledge_bench;
mod leaving;
mod reports;
mod schema;
mod secrets;
mod tool_doubles;
mod tools;

use testkit::model as model_double;
