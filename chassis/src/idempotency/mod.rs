//! A request that carries an `Idempotency-Key` takes effect once, and its answer is given again.
