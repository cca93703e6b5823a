-- Knowledge bases: documents cut into passages, and the words that these are found by. And what the assistant proposes to do.
-- The same tables, columns and constraint names as on SQLite, except for what full text is searched in: here
-- `passage.search`, there the table `passage_search`, the view `passage_text` and `passage.seq`.

-- How much somebody has. Whoever adds raises these numbers first, so that no two additions at once go over a bound.
CREATE TABLE knowledge_owner (
    user_id UUID   NOT NULL PRIMARY KEY,
    bases   BIGINT NOT NULL CONSTRAINT knowledge_owner_bases CHECK (bases >= 0),
    bytes   BIGINT NOT NULL CONSTRAINT knowledge_owner_bytes CHECK (bytes >= 0)
);

CREATE TABLE knowledge_base (
    id          UUID        NOT NULL PRIMARY KEY,
    owner_id    UUID        NOT NULL,
    name        TEXT        NOT NULL,
    description TEXT,
    documents   BIGINT      NOT NULL CONSTRAINT knowledge_base_documents CHECK (documents >= 0),
    bytes       BIGINT      NOT NULL CONSTRAINT knowledge_base_bytes CHECK (bytes >= 0),
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX knowledge_base_owner_id_idx ON knowledge_base (owner_id, created_at, id);

CREATE TABLE knowledge_document (
    id         UUID        NOT NULL PRIMARY KEY,
    base_id    UUID        NOT NULL REFERENCES knowledge_base (id),
    title      TEXT        NOT NULL,
    format     TEXT        NOT NULL CONSTRAINT knowledge_document_format CHECK (format IN ('TEXT', 'MARKDOWN')),
    bytes      BIGINT      NOT NULL,
    passages   BIGINT      NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX knowledge_document_base_id_idx ON knowledge_document (base_id, created_at, id);

CREATE TABLE passage (
    base_id     UUID   NOT NULL REFERENCES knowledge_base (id),
    document_id UUID   NOT NULL REFERENCES knowledge_document (id),
    position    BIGINT NOT NULL,
    text        TEXT   NOT NULL,
    -- Words of the title and the text in small letters without accents, with single spaces between.
    words       TEXT   NOT NULL,
    -- The words as they are: no parser of PostgreSQL has an opinion about them. In which knowledge base a passage is stands
    -- in the index too, as a word that none can be: a search reads no other one's words.
    search      TSVECTOR NOT NULL GENERATED ALWAYS AS (
        array_to_tsvector(array_append(array_remove(string_to_array(words, ' '), ''), '#' || replace(base_id::TEXT, '-', '')))
    ) STORED
);
CREATE UNIQUE INDEX passage_document_id_key ON passage (document_id, position);
CREATE INDEX passage_base_id_idx ON passage (base_id);
CREATE INDEX passage_search_idx ON passage USING gin (search);

CREATE TABLE proposal (
    id              UUID        NOT NULL PRIMARY KEY,
    conversation_id UUID        NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    user_id         UUID        NOT NULL,
    tool            TEXT        NOT NULL,
    arguments       JSONB       NOT NULL,
    summary         TEXT        NOT NULL,
    status          TEXT        NOT NULL
        CONSTRAINT proposal_status CHECK (status IN ('PROPOSED', 'CONFIRMED', 'DONE', 'FAILED', 'DECLINED')),
    result          JSONB,
    failure         TEXT,
    created_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ NOT NULL,
    -- Until when nobody else may carry it out, once it is confirmed.
    held_until      TIMESTAMPTZ,
    CONSTRAINT proposal_held CHECK ((status = 'CONFIRMED') = (held_until IS NOT NULL)),
    CONSTRAINT proposal_done CHECK (result IS NULL OR status = 'DONE'),
    CONSTRAINT proposal_failed CHECK ((status = 'FAILED') = (failure IS NOT NULL))
);
CREATE INDEX proposal_conversation_id_idx ON proposal (conversation_id, created_at, id);
