-- Money that can be sent to the counter. What a purse had at first never changes; the rest of the books must add up to it.
CREATE TABLE purse (
    name TEXT PRIMARY KEY NOT NULL,
    opened_with BIGINT NOT NULL,
    balance BIGINT NOT NULL CONSTRAINT purse_not_negative CHECK (balance >= 0),
    held BIGINT NOT NULL CONSTRAINT purse_held_not_negative CHECK (held >= 0),
    sent BIGINT NOT NULL CONSTRAINT purse_sent_not_negative CHECK (sent >= 0)
);

CREATE TABLE transfer (
    id UUID PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    amount BIGINT NOT NULL,
    state TEXT NOT NULL CONSTRAINT transfer_state_known CHECK (state IN ('open', 'done', 'undone')),
    asked_at TIMESTAMPTZ NOT NULL
);

-- Each movement of money, as often as it happened.
CREATE TABLE movement (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id UUID NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL
);
