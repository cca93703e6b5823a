-- Roll-outs that advance by themselves. The same tables, columns and constraint names as on SQLite.

-- One row a roll-out as the file of routes says it; another target or generation is another roll-out.
CREATE TABLE rollout (
    route           TEXT        NOT NULL,
    target          TEXT        NOT NULL,
    generation      BIGINT      NOT NULL,
    -- Grows with every change of state or step; what is counted or decided for an earlier one is dropped.
    version         BIGINT      NOT NULL,
    state           TEXT        NOT NULL,
    -- From 0, its place among the steps of the file.
    step            BIGINT      NOT NULL,
    since           TIMESTAMPTZ NOT NULL,
    -- Why it is in this state, for a person.
    reason          TEXT,
    changed_by      UUID,
    -- What all replicas have seen in this step.
    stable_requests BIGINT      NOT NULL,
    stable_errors   BIGINT      NOT NULL,
    stable_slow     BIGINT      NOT NULL,
    canary_requests BIGINT      NOT NULL,
    canary_errors   BIGINT      NOT NULL,
    canary_slow     BIGINT      NOT NULL,
    CONSTRAINT rollout_pkey PRIMARY KEY (route, target, generation),
    CONSTRAINT rollout_state_check CHECK (state IN ('advancing', 'held', 'back', 'done'))
);
