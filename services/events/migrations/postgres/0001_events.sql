-- Events of organisations. The same tables, columns and constraint names as on SQLite, except for what full text is
-- searched in: here `event.search`, there the table `event_search` and `event.seq`.

CREATE TABLE event (
    id                UUID        NOT NULL,
    organization_id   UUID        NOT NULL,
    title             TEXT        NOT NULL,
    description       TEXT        NOT NULL,
    location          TEXT,
    start_at          TIMESTAMPTZ NOT NULL,
    end_at            TIMESTAMPTZ NOT NULL,
    -- Words in small letters without accents: of the title, and of the description.
    title_words       TEXT        COLLATE "C" NOT NULL,
    description_words TEXT        NOT NULL,
    status            TEXT        COLLATE "C" NOT NULL CONSTRAINT event_status_check
                      CHECK (status IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED')),
    -- Why it was rejected last, until it is submitted again.
    rejection_reason  TEXT,
    created_by        UUID        NOT NULL,
    -- Who wrote what it says now.
    edited_by         UUID        NOT NULL,
    -- Who decided on what it says now.
    decided_by        UUID,
    version           BIGINT      NOT NULL CONSTRAINT event_version_check CHECK (version > 0),
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL,
    search            TSVECTOR    NOT NULL GENERATED ALWAYS AS (
        to_tsvector('simple', title_words) || to_tsvector('simple', description_words)
    ) STORED,
    CONSTRAINT event_ends_after_it_begins CHECK (end_at > start_at),
    CONSTRAINT event_rejected_has_a_reason CHECK (status <> 'REJECTED' OR rejection_reason IS NOT NULL),
    CONSTRAINT event_reason_is_of_a_rejection CHECK (rejection_reason IS NULL OR status IN ('DRAFT', 'REJECTED')),
    CONSTRAINT event_decided_is_decided CHECK (status NOT IN ('APPROVED', 'REJECTED') OR decided_by IS NOT NULL)
);
CREATE UNIQUE INDEX event_id_key ON event (id);
CREATE INDEX event_start_at_idx ON event (organization_id, start_at, id);
CREATE INDEX event_created_at_idx ON event (organization_id, created_at, id);
CREATE INDEX event_title_words_idx ON event (organization_id, title_words, id);
CREATE INDEX event_status_idx ON event (organization_id, status, start_at, id);
CREATE INDEX event_created_by_idx ON event (created_by, start_at, id);
CREATE INDEX event_search_idx ON event USING gin (search);

-- Who did what: one row for each version of an event, also after it is gone.
CREATE TABLE event_step (
    event_id        UUID        NOT NULL,
    version         BIGINT      NOT NULL,
    organization_id UUID        NOT NULL,
    -- Who made the event.
    creator         UUID        NOT NULL,
    action          TEXT        NOT NULL CONSTRAINT event_step_action_check
                    CHECK (action IN ('CREATED', 'UPDATED', 'SUBMITTED', 'APPROVED', 'REJECTED', 'REOPENED', 'DELETED')),
    done_by         UUID        NOT NULL,
    done_at         TIMESTAMPTZ NOT NULL,
    status_before   TEXT,
    status_after    TEXT,
    reason          TEXT,
    -- The fields that were changed, what they were and what they became.
    changes         JSONB       NOT NULL,
    PRIMARY KEY (event_id, version),
    CONSTRAINT event_step_begins_and_ends CHECK (
        (action = 'CREATED') = (status_before IS NULL) AND (action = 'DELETED') = (status_after IS NULL)
    ),
    CONSTRAINT event_step_reason_of_a_rejection CHECK ((action = 'REJECTED') = (reason IS NOT NULL))
);
CREATE INDEX event_step_deleted_idx ON event_step (done_at, event_id) WHERE action = 'DELETED';

-- What an organisation allows; without a row, what is usual.
CREATE TABLE event_rules (
    organization_id UUID        NOT NULL PRIMARY KEY,
    own_decisions   BOOLEAN     NOT NULL,
    set_by          UUID        NOT NULL,
    set_at          TIMESTAMPTZ NOT NULL
);

-- Calendar feeds: one for each person and organisation. Of the secret there is only the hash.
CREATE TABLE calendar_link (
    id              UUID        NOT NULL PRIMARY KEY,
    user_id         UUID        NOT NULL,
    organization_id UUID        NOT NULL,
    token_hash      BYTEA       NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX calendar_link_user_id_organization_id_key ON calendar_link (user_id, organization_id);
CREATE UNIQUE INDEX calendar_link_token_hash_key ON calendar_link (token_hash);
