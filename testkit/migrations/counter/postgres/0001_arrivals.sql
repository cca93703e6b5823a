-- What has arrived, once for each time that a handler's effect was committed. That the same entry can stand here twice is
-- the point: an effect that was doubled shows.
CREATE TABLE arrival (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id UUID NOT NULL,
    account TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    arrived_at TIMESTAMPTZ NOT NULL
);

-- The same by account. `late` counts those that came after one that follows them, `gaps` those that came before one that
-- they follow.
CREATE TABLE tally (
    account TEXT PRIMARY KEY NOT NULL,
    entries BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    late BIGINT NOT NULL,
    gaps BIGINT NOT NULL
);
