-- Money that came from the ledger.
CREATE TABLE purse (
    name TEXT PRIMARY KEY NOT NULL,
    balance INTEGER NOT NULL CONSTRAINT purse_not_negative CHECK (balance >= 0)
) STRICT;

-- How far each transfer has come here. A cancelled one stays, so that what arrives late is refused.
CREATE TABLE reservation (
    transfer_id BLOB PRIMARY KEY NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT reservation_state_known CHECK (state IN ('reserved', 'deposited', 'withdrawn', 'cancelled'))
) STRICT;

-- Each movement of money, as often as it happened.
CREATE TABLE movement (
    place INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    transfer_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL
) STRICT;
