//! The database layer; the same assertions on both engines wherever that is possible.

mod boot;
mod breaker;
mod group;
mod migrations;
mod pool;
mod statements;
mod transactions;
mod violations;

/// A statement that both engines work on for minutes.
const ENDLESS: &str = "WITH RECURSIVE c(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM c WHERE n < 10000000000) \
                       SELECT count(*) FROM c";
