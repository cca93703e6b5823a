-- What has arrived, once for each time that a handler's effect was committed. That the same entry can stand here twice is
-- the point: an effect that was doubled shows.
CREATE TABLE arrival (
    place INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    entry_id BLOB NOT NULL,
    account TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL
) STRICT;

-- The same by account. `late` counts those that came after one that follows them, `gaps` those that came before one that
-- they follow.
CREATE TABLE tally (
    account TEXT PRIMARY KEY NOT NULL,
    entries INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    late INTEGER NOT NULL,
    gaps INTEGER NOT NULL
) STRICT;
