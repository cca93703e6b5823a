-- Knowledge bases: documents cut into passages, and the words that these are found by. And what the assistant proposes to do.
-- The same tables, columns and constraint names as on PostgreSQL, except for what full text is searched in: here the table
-- `passage_search`, the view `passage_text` and `passage.seq`, there `passage.search`.

-- How much somebody has. Whoever adds raises these numbers first, so that no two additions at once go over a bound.
CREATE TABLE knowledge_owner (
    user_id BLOB    NOT NULL PRIMARY KEY,
    bases   INTEGER NOT NULL CONSTRAINT knowledge_owner_bases CHECK (bases >= 0),
    bytes   INTEGER NOT NULL CONSTRAINT knowledge_owner_bytes CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE knowledge_base (
    id          BLOB    NOT NULL PRIMARY KEY,
    owner_id    BLOB    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT,
    documents   INTEGER NOT NULL CONSTRAINT knowledge_base_documents CHECK (documents >= 0),
    bytes       INTEGER NOT NULL CONSTRAINT knowledge_base_bytes CHECK (bytes >= 0),
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX knowledge_base_owner_id_idx ON knowledge_base (owner_id, created_at, id);

CREATE TABLE knowledge_document (
    id         BLOB    NOT NULL PRIMARY KEY,
    base_id    BLOB    NOT NULL REFERENCES knowledge_base (id),
    title      TEXT    NOT NULL,
    format     TEXT    NOT NULL CONSTRAINT knowledge_document_format CHECK (format IN ('TEXT', 'MARKDOWN')),
    bytes      INTEGER NOT NULL,
    passages   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX knowledge_document_base_id_idx ON knowledge_document (base_id, created_at, id);

CREATE TABLE passage (
    -- What the full text refers to; a row number that is not declared changes with VACUUM.
    seq         INTEGER NOT NULL PRIMARY KEY,
    base_id     BLOB    NOT NULL REFERENCES knowledge_base (id),
    document_id BLOB    NOT NULL REFERENCES knowledge_document (id),
    position    INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    -- Words of the title and the text in small letters without accents, with single spaces between.
    words       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX passage_document_id_key ON passage (document_id, position);
CREATE INDEX passage_base_id_idx ON passage (base_id);

-- In which knowledge base a passage is stands in the index too: a search reads no other one's words.
CREATE VIEW passage_text AS SELECT seq, lower(hex(base_id)) AS scope, words FROM passage;
-- The words come folded with spaces between. This tokenizer takes everything but ASCII signs and spaces for a part of a
-- word, so its words are exactly ours.
CREATE VIRTUAL TABLE passage_search USING fts5 (
    scope, words, content = 'passage_text', content_rowid = 'seq', tokenize = 'ascii', prefix = '4', detail = 'column'
);
CREATE TRIGGER passage_search_insert AFTER INSERT ON passage BEGIN
    INSERT INTO passage_search (rowid, scope, words) VALUES (new.seq, lower(hex(new.base_id)), new.words);
END;
CREATE TRIGGER passage_search_delete AFTER DELETE ON passage BEGIN
    INSERT INTO passage_search (passage_search, rowid, scope, words)
    VALUES ('delete', old.seq, lower(hex(old.base_id)), old.words);
END;

CREATE TABLE proposal (
    id              BLOB    NOT NULL PRIMARY KEY,
    conversation_id BLOB    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    user_id         BLOB    NOT NULL,
    tool            TEXT    NOT NULL,
    arguments       TEXT    NOT NULL,
    summary         TEXT    NOT NULL,
    status          TEXT    NOT NULL
        CONSTRAINT proposal_status CHECK (status IN ('PROPOSED', 'CONFIRMED', 'DONE', 'FAILED', 'DECLINED')),
    result          TEXT,
    failure         TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    -- Until when nobody else may carry it out, once it is confirmed.
    held_until      INTEGER,
    CONSTRAINT proposal_held CHECK ((status = 'CONFIRMED') = (held_until IS NOT NULL)),
    CONSTRAINT proposal_done CHECK (result IS NULL OR status = 'DONE'),
    CONSTRAINT proposal_failed CHECK ((status = 'FAILED') = (failure IS NOT NULL))
) STRICT;
CREATE INDEX proposal_conversation_id_idx ON proposal (conversation_id, created_at, id);
