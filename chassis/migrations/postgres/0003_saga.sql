-- Sagas. `due_at` is also the lease: whoever takes one moves it to where another may take it. `fence` grows each time a saga
-- changes hands and `moves` with each change, so that whoever comes late changes nothing.
CREATE TABLE saga (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT saga_state_known CHECK (state IN ('running', 'compensating', 'done', 'compensated', 'stuck')),
    back BOOLEAN NOT NULL DEFAULT FALSE,
    step TEXT NOT NULL,
    done TEXT NOT NULL DEFAULT '',
    unsure BOOLEAN NOT NULL DEFAULT FALSE,
    attempts BIGINT NOT NULL DEFAULT 0,
    params JSONB NOT NULL,
    memory JSONB NOT NULL,
    failure TEXT,
    stuck_reason TEXT,
    last_error TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    moves BIGINT NOT NULL DEFAULT 0,
    nudged BOOLEAN NOT NULL DEFAULT FALSE,
    owner UUID,
    due_at TIMESTAMPTZ NOT NULL,
    deadline_at TIMESTAMPTZ,
    traceparent TEXT,
    correlation_id TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX saga_due ON saga (name, version, due_at) WHERE state IN ('running', 'compensating');

CREATE INDEX saga_stuck ON saga (updated_at, id) WHERE state = 'stuck';

CREATE INDEX saga_ended ON saga (updated_at, id) WHERE state IN ('done', 'compensated');

-- What was tried, and how it went.
CREATE TABLE saga_step (
    saga_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    step TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    error TEXT,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (saga_id, seq)
);
