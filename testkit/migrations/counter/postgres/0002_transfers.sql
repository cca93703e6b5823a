-- Money that came from the ledger.
CREATE TABLE purse (
    name TEXT PRIMARY KEY NOT NULL,
    balance BIGINT NOT NULL CONSTRAINT purse_not_negative CHECK (balance >= 0)
);

-- How far each transfer has come here. A cancelled one stays, so that what arrives late is refused.
CREATE TABLE reservation (
    transfer_id UUID PRIMARY KEY NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT reservation_state_known CHECK (state IN ('reserved', 'deposited', 'withdrawn', 'cancelled'))
);

-- Each movement of money, as often as it happened.
CREATE TABLE movement (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id UUID NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL
);
