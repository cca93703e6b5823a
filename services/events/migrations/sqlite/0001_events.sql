-- Events of organisations. The same tables, columns and constraint names as on PostgreSQL, except for what full text is
-- searched in: here the table `event_search` and `event.seq`, there `event.search`.

CREATE TABLE event (
    -- What the full text refers to; a row number that is not declared changes with VACUUM.
    seq               INTEGER NOT NULL PRIMARY KEY,
    id                BLOB    NOT NULL,
    organization_id   BLOB    NOT NULL,
    title             TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    location          TEXT,
    start_at          INTEGER NOT NULL,
    end_at            INTEGER NOT NULL,
    -- Words in small letters without accents: of the title, and of the description.
    title_words       TEXT    NOT NULL,
    description_words TEXT    NOT NULL,
    status            TEXT    NOT NULL CONSTRAINT event_status_check
                      CHECK (status IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED')),
    -- Why it was rejected last, until it is submitted again.
    rejection_reason  TEXT,
    created_by        BLOB    NOT NULL,
    -- Who wrote what it says now.
    edited_by         BLOB    NOT NULL,
    -- Who decided on what it says now.
    decided_by        BLOB,
    version           INTEGER NOT NULL CONSTRAINT event_version_check CHECK (version > 0),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    CONSTRAINT event_ends_after_it_begins CHECK (end_at > start_at),
    CONSTRAINT event_rejected_has_a_reason CHECK (status <> 'REJECTED' OR rejection_reason IS NOT NULL),
    CONSTRAINT event_reason_is_of_a_rejection CHECK (rejection_reason IS NULL OR status IN ('DRAFT', 'REJECTED')),
    CONSTRAINT event_decided_is_decided CHECK (status NOT IN ('APPROVED', 'REJECTED') OR decided_by IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX event_id_key ON event (id);
CREATE INDEX event_start_at_idx ON event (organization_id, start_at, id);
CREATE INDEX event_created_at_idx ON event (organization_id, created_at, id);
CREATE INDEX event_title_words_idx ON event (organization_id, title_words, id);
CREATE INDEX event_status_idx ON event (organization_id, status, start_at, id);
CREATE INDEX event_created_by_idx ON event (created_by, start_at, id);

-- The words come folded, so the tokenizer leaves them as they are. The triggers keep it in step with its table.
CREATE VIRTUAL TABLE event_search USING fts5 (
    title_words, description_words, content = 'event', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3'
);
CREATE TRIGGER event_search_insert AFTER INSERT ON event BEGIN
    INSERT INTO event_search (rowid, title_words, description_words)
    VALUES (new.seq, new.title_words, new.description_words);
END;
CREATE TRIGGER event_search_delete AFTER DELETE ON event BEGIN
    INSERT INTO event_search (event_search, rowid, title_words, description_words)
    VALUES ('delete', old.seq, old.title_words, old.description_words);
END;
CREATE TRIGGER event_search_update AFTER UPDATE OF title_words, description_words ON event
WHEN old.title_words <> new.title_words OR old.description_words <> new.description_words BEGIN
    INSERT INTO event_search (event_search, rowid, title_words, description_words)
    VALUES ('delete', old.seq, old.title_words, old.description_words);
    INSERT INTO event_search (rowid, title_words, description_words)
    VALUES (new.seq, new.title_words, new.description_words);
END;

-- Who did what: one row for each version of an event, also after it is gone.
CREATE TABLE event_step (
    event_id        BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    organization_id BLOB    NOT NULL,
    -- Who made the event.
    creator         BLOB    NOT NULL,
    action          TEXT    NOT NULL CONSTRAINT event_step_action_check
                    CHECK (action IN ('CREATED', 'UPDATED', 'SUBMITTED', 'APPROVED', 'REJECTED', 'REOPENED', 'DELETED')),
    done_by         BLOB    NOT NULL,
    done_at         INTEGER NOT NULL,
    status_before   TEXT,
    status_after    TEXT,
    reason          TEXT,
    -- The fields that were changed, what they were and what they became.
    changes         TEXT    NOT NULL,
    PRIMARY KEY (event_id, version),
    CONSTRAINT event_step_begins_and_ends CHECK (
        (action = 'CREATED') = (status_before IS NULL) AND (action = 'DELETED') = (status_after IS NULL)
    ),
    CONSTRAINT event_step_reason_of_a_rejection CHECK ((action = 'REJECTED') = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX event_step_deleted_idx ON event_step (done_at, event_id) WHERE action = 'DELETED';

-- What an organisation allows; without a row, what is usual.
CREATE TABLE event_rules (
    organization_id BLOB    NOT NULL PRIMARY KEY,
    own_decisions   INTEGER NOT NULL,
    set_by          BLOB    NOT NULL,
    set_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Calendar feeds: one for each person and organisation. Of the secret there is only the hash.
CREATE TABLE calendar_link (
    id              BLOB    NOT NULL PRIMARY KEY,
    user_id         BLOB    NOT NULL,
    organization_id BLOB    NOT NULL,
    token_hash      BLOB    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX calendar_link_user_id_organization_id_key ON calendar_link (user_id, organization_id);
CREATE UNIQUE INDEX calendar_link_token_hash_key ON calendar_link (token_hash);
