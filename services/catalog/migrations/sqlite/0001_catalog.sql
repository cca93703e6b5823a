-- The catalog. Ids are UUIDs in 16 bytes, times are microseconds since 1970 in UTC, JSON is text.

CREATE TABLE category (
    id         BLOB    NOT NULL PRIMARY KEY,
    parent_id  BLOB    REFERENCES category (id),
    slug       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT category_not_its_own_parent CHECK (parent_id <> id)
) STRICT;
CREATE UNIQUE INDEX category_slug_key ON category (slug);
CREATE INDEX category_parent_id_idx ON category (parent_id);

-- One row. Whoever changes the tree raises its version first, so that no two changes of it go on at once.
CREATE TABLE category_tree (
    id      INTEGER NOT NULL PRIMARY KEY CONSTRAINT category_tree_is_one CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO category_tree (id, version) VALUES (1, 1);

CREATE TABLE brand (
    id         BLOB    NOT NULL PRIMARY KEY,
    slug       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    -- The words of the name in small letters without accents: what it is sorted and found by.
    name_words TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX brand_slug_key ON brand (slug);
CREATE INDEX brand_name_words_idx ON brand (name_words, id);

CREATE TABLE product (
    -- What the full text refers to; a row number that is not declared changes with VACUUM.
    seq            INTEGER NOT NULL PRIMARY KEY,
    id             BLOB    NOT NULL,
    slug           TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    vendor_id      BLOB    NOT NULL,
    category_id    BLOB    REFERENCES category (id),
    brand_id       BLOB    REFERENCES brand (id),
    name           TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    -- Words in small letters without accents: of the name, and of everything else that is searched.
    name_words     TEXT    NOT NULL,
    rest_words     TEXT    NOT NULL,
    price_amount   INTEGER NOT NULL CONSTRAINT product_price_above_nothing CHECK (price_amount > 0),
    price_currency TEXT    NOT NULL,
    price_version  INTEGER NOT NULL,
    active         INTEGER NOT NULL,
    featured       INTEGER NOT NULL,
    images         TEXT    NOT NULL,
    attributes     TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX product_id_key ON product (id);
CREATE UNIQUE INDEX product_slug_key ON product (slug);
CREATE UNIQUE INDEX product_sku_key ON product (sku);
CREATE INDEX product_created_at_idx ON product (created_at, id) WHERE active;
CREATE INDEX product_name_words_idx ON product (name_words, id) WHERE active;
CREATE INDEX product_price_amount_idx ON product (price_amount, id) WHERE active;
CREATE INDEX product_featured_idx ON product (created_at, id) WHERE featured;
CREATE INDEX product_category_id_idx ON product (category_id, created_at, id);
CREATE INDEX product_brand_id_idx ON product (brand_id, created_at, id);
CREATE INDEX product_vendor_id_idx ON product (vendor_id, created_at, id);

-- The words come folded, so the tokenizer leaves them as they are. The triggers keep it in step with its table.
CREATE VIRTUAL TABLE product_search USING fts5 (
    name_words, rest_words, content = 'product', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3'
);
CREATE TRIGGER product_search_insert AFTER INSERT ON product BEGIN
    INSERT INTO product_search (rowid, name_words, rest_words) VALUES (new.seq, new.name_words, new.rest_words);
END;
CREATE TRIGGER product_search_delete AFTER DELETE ON product BEGIN
    INSERT INTO product_search (product_search, rowid, name_words, rest_words)
    VALUES ('delete', old.seq, old.name_words, old.rest_words);
END;
CREATE TRIGGER product_search_update AFTER UPDATE OF name_words, rest_words ON product
WHEN old.name_words <> new.name_words OR old.rest_words <> new.rest_words BEGIN
    INSERT INTO product_search (product_search, rowid, name_words, rest_words)
    VALUES ('delete', old.seq, old.name_words, old.rest_words);
    INSERT INTO product_search (rowid, name_words, rest_words) VALUES (new.seq, new.name_words, new.rest_words);
END;

-- Every version of a price.
CREATE TABLE product_price (
    product_id BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    amount     INTEGER NOT NULL CONSTRAINT product_price_amount_above_nothing CHECK (amount > 0),
    currency   TEXT    NOT NULL,
    valid_from INTEGER NOT NULL,
    set_by     BLOB    NOT NULL,
    PRIMARY KEY (product_id, version)
) STRICT, WITHOUT ROWID;
