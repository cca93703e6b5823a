-- Each account and the number of its last entry. Taking the next number holds the row until the transaction ends, so that
-- numbers are committed in their order.
CREATE TABLE account (
    name TEXT PRIMARY KEY NOT NULL,
    entries INTEGER NOT NULL,
    amount INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
    id BLOB PRIMARY KEY NOT NULL,
    account TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    trouble TEXT NOT NULL,
    posted_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX entry_account_sequence_key ON entry (account, sequence);
