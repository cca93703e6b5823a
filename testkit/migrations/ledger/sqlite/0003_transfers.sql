-- Money that can be sent to the counter. What a purse had at first never changes; the rest of the books must add up to it.
CREATE TABLE purse (
    name TEXT PRIMARY KEY NOT NULL,
    opened_with INTEGER NOT NULL,
    balance INTEGER NOT NULL CONSTRAINT purse_not_negative CHECK (balance >= 0),
    held INTEGER NOT NULL CONSTRAINT purse_held_not_negative CHECK (held >= 0),
    sent INTEGER NOT NULL CONSTRAINT purse_sent_not_negative CHECK (sent >= 0)
) STRICT;

CREATE TABLE transfer (
    id BLOB PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL CONSTRAINT transfer_state_known CHECK (state IN ('open', 'done', 'undone')),
    asked_at INTEGER NOT NULL
) STRICT;

-- Each movement of money, as often as it happened.
CREATE TABLE movement (
    place INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    transfer_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL
) STRICT;
