//! Work that nobody waits for.

mod sweep_carts;

pub(crate) use sweep_carts::sweep_carts;
