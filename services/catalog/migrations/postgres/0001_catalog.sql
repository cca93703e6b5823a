-- The catalog. The same tables, columns and constraint names as on SQLite, except for what full text is searched in: here
-- `product.search`, there the table `product_search` and `product.seq`.
-- Texts that are sorted by, or compared by their beginning, are COLLATE "C": the same order as on SQLite.

CREATE TABLE category (
    id         UUID        NOT NULL PRIMARY KEY,
    parent_id  UUID        REFERENCES category (id),
    slug       TEXT        COLLATE "C" NOT NULL,
    name       TEXT        NOT NULL,
    position   INTEGER     NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT category_not_its_own_parent CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX category_slug_key ON category (slug);
CREATE INDEX category_parent_id_idx ON category (parent_id);

-- One row. Whoever changes the tree raises its version first, so that no two changes of it go on at once.
CREATE TABLE category_tree (
    id      INTEGER NOT NULL PRIMARY KEY CONSTRAINT category_tree_is_one CHECK (id = 1),
    version BIGINT  NOT NULL
);
INSERT INTO category_tree (id, version) VALUES (1, 1);

CREATE TABLE brand (
    id         UUID        NOT NULL PRIMARY KEY,
    slug       TEXT        COLLATE "C" NOT NULL,
    name       TEXT        NOT NULL,
    -- The words of the name in small letters without accents: what it is sorted and found by.
    name_words TEXT        COLLATE "C" NOT NULL,
    version    BIGINT      NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX brand_slug_key ON brand (slug);
CREATE INDEX brand_name_words_idx ON brand (name_words, id);

CREATE TABLE product (
    id             UUID        NOT NULL PRIMARY KEY,
    slug           TEXT        COLLATE "C" NOT NULL,
    sku            TEXT        COLLATE "C" NOT NULL,
    vendor_id      UUID        NOT NULL,
    category_id    UUID        REFERENCES category (id),
    brand_id       UUID        REFERENCES brand (id),
    name           TEXT        NOT NULL,
    description    TEXT        NOT NULL,
    -- Words in small letters without accents: of the name, and of everything else that is searched.
    name_words     TEXT        COLLATE "C" NOT NULL,
    rest_words     TEXT        NOT NULL,
    price_amount   BIGINT      NOT NULL CONSTRAINT product_price_above_nothing CHECK (price_amount > 0),
    price_currency TEXT        NOT NULL,
    price_version  BIGINT      NOT NULL,
    active         BOOLEAN     NOT NULL,
    featured       BOOLEAN     NOT NULL,
    images         JSONB       NOT NULL,
    attributes     JSONB       NOT NULL,
    version        BIGINT      NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    search         TSVECTOR    NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name_words), 'A') || setweight(to_tsvector('simple', rest_words), 'B')
    ) STORED
);
CREATE UNIQUE INDEX product_slug_key ON product (slug);
CREATE UNIQUE INDEX product_sku_key ON product (sku);
CREATE INDEX product_search_idx ON product USING gin (search);
CREATE INDEX product_created_at_idx ON product (created_at, id) WHERE active;
CREATE INDEX product_name_words_idx ON product (name_words, id) WHERE active;
CREATE INDEX product_price_amount_idx ON product (price_amount, id) WHERE active;
CREATE INDEX product_featured_idx ON product (created_at, id) WHERE featured;
CREATE INDEX product_category_id_idx ON product (category_id, created_at, id);
CREATE INDEX product_brand_id_idx ON product (brand_id, created_at, id);
CREATE INDEX product_vendor_id_idx ON product (vendor_id, created_at, id);

-- Every version of a price.
CREATE TABLE product_price (
    product_id UUID        NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    version    BIGINT      NOT NULL,
    amount     BIGINT      NOT NULL CONSTRAINT product_price_amount_above_nothing CHECK (amount > 0),
    currency   TEXT        NOT NULL,
    valid_from TIMESTAMPTZ NOT NULL,
    set_by     UUID        NOT NULL,
    PRIMARY KEY (product_id, version)
);
