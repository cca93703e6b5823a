-- Jobs. A periodic job is one row that is taken again and again, a queued one is a row for each piece of work. `due_at` is also
-- the lease: whoever takes a row moves it to where another may take it. `fence` grows each time it is taken, so that whoever
-- comes late changes nothing. `unique_key` keeps a second row of the same key out; a queued job loses it when it is taken.
CREATE TABLE job (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    every_micros INTEGER,
    unique_key TEXT,
    payload TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT job_status_known CHECK (status IN ('waiting', 'running', 'done', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    owner BLOB,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    last_outcome TEXT CONSTRAINT job_last_outcome_known CHECK (last_outcome IN ('done', 'retry', 'failed')),
    last_error TEXT,
    traceparent TEXT,
    correlation_id TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX job_name_unique_key_key ON job (name, unique_key);

CREATE INDEX job_due ON job (name, due_at) WHERE status IN ('waiting', 'running');

CREATE INDEX job_failed ON job (ended_at, id) WHERE status = 'failed';

CREATE INDEX job_done ON job (ended_at, id) WHERE status = 'done';
