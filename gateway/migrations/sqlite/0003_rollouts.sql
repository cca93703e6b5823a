-- Roll-outs that advance by themselves. The same tables, columns and constraint names as on PostgreSQL.

-- One row a roll-out as the file of routes says it; another target or generation is another roll-out.
CREATE TABLE rollout (
    route           TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    generation      INTEGER NOT NULL,
    -- Grows with every change of state or step; what is counted or decided for an earlier one is dropped.
    version         INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    -- From 0, its place among the steps of the file.
    step            INTEGER NOT NULL,
    since           INTEGER NOT NULL,
    -- Why it is in this state, for a person.
    reason          TEXT,
    changed_by      BLOB,
    -- What all replicas have seen in this step.
    stable_requests INTEGER NOT NULL,
    stable_errors   INTEGER NOT NULL,
    stable_slow     INTEGER NOT NULL,
    canary_requests INTEGER NOT NULL,
    canary_errors   INTEGER NOT NULL,
    canary_slow     INTEGER NOT NULL,
    CONSTRAINT rollout_pkey PRIMARY KEY (route, target, generation),
    CONSTRAINT rollout_state_check CHECK (state IN ('advancing', 'held', 'back', 'done'))
) STRICT;
