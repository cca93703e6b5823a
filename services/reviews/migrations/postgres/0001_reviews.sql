-- Reviews. The same tables, columns and constraint names as on SQLite.

CREATE TABLE review (
    id         UUID        NOT NULL PRIMARY KEY,
    product_id UUID        NOT NULL,
    user_id    UUID        NOT NULL,
    rating     BIGINT      NOT NULL CONSTRAINT review_rating_check CHECK (rating BETWEEN 1 AND 5),
    title      TEXT        NOT NULL,
    text       TEXT        NOT NULL,
    status     TEXT        NOT NULL CONSTRAINT review_status_check CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED')),
    -- Why a moderator rejected it.
    reason     TEXT,
    -- The version of its stream in the event store.
    version    BIGINT      NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
-- One for each person and product.
CREATE UNIQUE INDEX review_user_id_product_id_key ON review (user_id, product_id);
CREATE INDEX review_product_id_idx ON review (product_id, status, created_at, id);
CREATE INDEX review_product_id_rating_idx ON review (product_id, status, rating, created_at, id);
CREATE INDEX review_status_idx ON review (status, created_at, id);

-- Who has bought what, and has it: from order.delivered.
CREATE TABLE purchase (
    user_id      UUID        NOT NULL,
    product_id   UUID        NOT NULL,
    order_id     UUID        NOT NULL,
    delivered_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, product_id)
);

-- What the reviews that are shown come to: the read model of the projection review-ratings.
CREATE TABLE review_rating (
    generation BIGINT NOT NULL,
    product_id UUID   NOT NULL,
    one        BIGINT NOT NULL DEFAULT 0,
    two        BIGINT NOT NULL DEFAULT 0,
    three      BIGINT NOT NULL DEFAULT 0,
    four       BIGINT NOT NULL DEFAULT 0,
    five       BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, product_id),
    CONSTRAINT review_rating_not_negative CHECK (one >= 0 AND two >= 0 AND three >= 0 AND four >= 0 AND five >= 0)
);
