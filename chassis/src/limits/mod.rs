//! How often somebody may ask: named policies over [`State`](crate::state::State).
