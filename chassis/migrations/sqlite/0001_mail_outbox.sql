-- Mail that a transaction asked for. `due_at` is also the lease: whoever takes a row moves it to where the next try is
-- allowed, and `attempts` tells a late answer from a current one.
CREATE TABLE mail_outbox (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body_text TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT mail_outbox_status_known CHECK (status IN ('pending', 'stored', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;

CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE status = 'pending';

CREATE INDEX mail_outbox_created ON mail_outbox (created_at, id);
