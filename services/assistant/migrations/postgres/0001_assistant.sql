-- Conversations, budgets, and what was used. Costs are millionths of the currency of the settings.

CREATE TABLE conversation (
    id              UUID    NOT NULL PRIMARY KEY,
    owner_id        UUID    NOT NULL,
    -- Whose budget it counts against besides its owner's.
    organization_id UUID,
    title           TEXT    NOT NULL,
    archived_at     TIMESTAMPTZ,
    messages        BIGINT NOT NULL DEFAULT 0 CONSTRAINT conversation_messages_check CHECK (messages >= 0),
    -- The answer that is being made, and until when nobody else may begin one.
    answering       UUID,
    busy_until      TIMESTAMPTZ,
    -- Every change raises it.
    version         BIGINT NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    CONSTRAINT conversation_busy_check CHECK ((answering IS NULL) = (busy_until IS NULL))
);
CREATE INDEX conversation_owner_id_idx ON conversation (owner_id, updated_at, id);
CREATE INDEX conversation_busy_until_idx ON conversation (busy_until);

CREATE TABLE message (
    id                UUID    NOT NULL PRIMARY KEY,
    conversation_id   UUID    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    -- On an answer, what it answers.
    question_id       UUID,
    role              TEXT    NOT NULL CONSTRAINT message_role_check CHECK (role IN ('USER', 'ASSISTANT')),
    status            TEXT    NOT NULL CONSTRAINT message_status_check
                      CHECK (status IN ('PENDING', 'COMPLETE', 'CANCELLED', 'FAILED')),
    text              TEXT    NOT NULL,
    -- On what an answer rests: a JSON list.
    citations         TEXT    NOT NULL,
    model             TEXT,
    prompt_tokens     BIGINT NOT NULL DEFAULT 0,
    completion_tokens BIGINT NOT NULL DEFAULT 0,
    cost_micros       BIGINT NOT NULL DEFAULT 0,
    estimated         BOOLEAN NOT NULL DEFAULT FALSE,
    -- Those of one conversation are all different, and in the order in which they were said.
    created_at        TIMESTAMPTZ NOT NULL,
    CONSTRAINT message_question_check CHECK ((role = 'ASSISTANT') = (question_id IS NOT NULL))
);
CREATE UNIQUE INDEX message_conversation_id_key ON message (conversation_id, created_at);
CREATE UNIQUE INDEX message_question_id_key ON message (question_id);

-- What was set for somebody; whatever is not set is as the settings say.
CREATE TABLE budget (
    scope        TEXT    NOT NULL CONSTRAINT budget_scope_check CHECK (scope IN ('USER', 'ORGANIZATION')),
    subject_id   UUID    NOT NULL,
    day_tokens   BIGINT CONSTRAINT budget_day_tokens_check CHECK (day_tokens >= 0),
    month_tokens BIGINT CONSTRAINT budget_month_tokens_check CHECK (month_tokens >= 0),
    day_micros   BIGINT CONSTRAINT budget_day_micros_check CHECK (day_micros >= 0),
    month_micros BIGINT CONSTRAINT budget_month_micros_check CHECK (month_micros >= 0),
    set_by       UUID    NOT NULL,
    set_at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (scope, subject_id)
);

-- What somebody has spent in a day or a month, and what calls that are under way may spend at most.
CREATE TABLE account (
    scope           TEXT    NOT NULL CONSTRAINT account_scope_check CHECK (scope IN ('USER', 'ORGANIZATION')),
    subject_id      UUID    NOT NULL,
    period          TEXT    NOT NULL CONSTRAINT account_period_check CHECK (period IN ('DAY', 'MONTH')),
    began_at        TIMESTAMPTZ NOT NULL,
    reserved_tokens BIGINT NOT NULL DEFAULT 0 CONSTRAINT account_reserved_tokens_check CHECK (reserved_tokens >= 0),
    reserved_micros BIGINT NOT NULL DEFAULT 0 CONSTRAINT account_reserved_micros_check CHECK (reserved_micros >= 0),
    spent_tokens    BIGINT NOT NULL DEFAULT 0 CONSTRAINT account_spent_tokens_check CHECK (spent_tokens >= 0),
    spent_micros    BIGINT NOT NULL DEFAULT 0 CONSTRAINT account_spent_micros_check CHECK (spent_micros >= 0),
    PRIMARY KEY (scope, subject_id, period, began_at)
);
CREATE INDEX account_began_at_idx ON account (began_at);

-- Calls of models. What was reserved for one counts until it is settled.
CREATE TABLE model_call (
    id                  UUID    NOT NULL PRIMARY KEY,
    conversation_id     UUID    NOT NULL,
    message_id          UUID    NOT NULL,
    user_id             UUID    NOT NULL,
    organization_id     UUID,
    provider            TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    state               TEXT    NOT NULL CONSTRAINT model_call_state_check CHECK (state IN ('RESERVED', 'SETTLED', 'EXPIRED')),
    reserved_prompt     BIGINT NOT NULL,
    reserved_completion BIGINT NOT NULL,
    reserved_micros     BIGINT NOT NULL,
    prompt_tokens       BIGINT NOT NULL DEFAULT 0,
    completion_tokens   BIGINT NOT NULL DEFAULT 0,
    cost_micros         BIGINT NOT NULL DEFAULT 0,
    estimated           BOOLEAN NOT NULL DEFAULT FALSE,
    -- The periods whose accounts it counts in.
    day_at              TIMESTAMPTZ NOT NULL,
    month_at            TIMESTAMPTZ NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    -- When whoever made it must have died.
    expires_at          TIMESTAMPTZ NOT NULL
);
CREATE INDEX model_call_state_idx ON model_call (state, expires_at);
CREATE INDEX model_call_created_at_idx ON model_call (created_at);
CREATE INDEX model_call_user_id_idx ON model_call (user_id, created_at);
CREATE INDEX model_call_organization_id_idx ON model_call (organization_id, created_at);
