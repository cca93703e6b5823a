-- Reviews. The same tables, columns and constraint names as on PostgreSQL.

CREATE TABLE review (
    id         BLOB    NOT NULL PRIMARY KEY,
    product_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    rating     INTEGER NOT NULL CONSTRAINT review_rating_check CHECK (rating BETWEEN 1 AND 5),
    title      TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    status     TEXT    NOT NULL CONSTRAINT review_status_check CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED')),
    -- Why a moderator rejected it.
    reason     TEXT,
    -- The version of its stream in the event store.
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
-- One for each person and product.
CREATE UNIQUE INDEX review_user_id_product_id_key ON review (user_id, product_id);
CREATE INDEX review_product_id_idx ON review (product_id, status, created_at, id);
CREATE INDEX review_product_id_rating_idx ON review (product_id, status, rating, created_at, id);
CREATE INDEX review_status_idx ON review (status, created_at, id);

-- Who has bought what, and has it: from order.delivered.
CREATE TABLE purchase (
    user_id      BLOB    NOT NULL,
    product_id   BLOB    NOT NULL,
    order_id     BLOB    NOT NULL,
    delivered_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, product_id)
) STRICT, WITHOUT ROWID;

-- What the reviews that are shown come to: the read model of the projection review-ratings.
CREATE TABLE review_rating (
    generation INTEGER NOT NULL,
    product_id BLOB    NOT NULL,
    one        INTEGER NOT NULL DEFAULT 0,
    two        INTEGER NOT NULL DEFAULT 0,
    three      INTEGER NOT NULL DEFAULT 0,
    four       INTEGER NOT NULL DEFAULT 0,
    five       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, product_id),
    CONSTRAINT review_rating_not_negative CHECK (one >= 0 AND two >= 0 AND three >= 0 AND four >= 0 AND five >= 0)
) STRICT, WITHOUT ROWID;
