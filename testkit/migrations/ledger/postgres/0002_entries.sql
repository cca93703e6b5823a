-- Each account and the number of its last entry. Taking the next number holds the row until the transaction ends, so that
-- numbers are committed in their order.
CREATE TABLE account (
    name TEXT PRIMARY KEY NOT NULL,
    entries BIGINT NOT NULL,
    amount BIGINT NOT NULL
);

CREATE TABLE entry (
    id UUID PRIMARY KEY NOT NULL,
    account TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    trouble JSONB NOT NULL,
    posted_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX entry_account_sequence_key ON entry (account, sequence);
