//! Work that nobody waits for.

mod give_up_overdue;
mod sweep_carts;

pub(crate) use give_up_overdue::give_up_overdue;
pub(crate) use sweep_carts::sweep_carts;
