-- Carts, and the read models of orders. The same tables, columns and constraint names as on SQLite.

CREATE TABLE cart (
    id          UUID        NOT NULL PRIMARY KEY,
    -- Whose it is: a person's, or of whoever has the secret.
    user_id     UUID,
    -- SHA-256 of a guest's secret.
    secret_hash BYTEA,
    -- Every change raises it.
    version     BIGINT      NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    -- It counts for nothing from then on.
    expires_at  TIMESTAMPTZ NOT NULL,
    CONSTRAINT cart_owner_check CHECK ((user_id IS NULL) <> (secret_hash IS NULL))
);
CREATE UNIQUE INDEX cart_user_id_key ON cart (user_id);
CREATE UNIQUE INDEX cart_secret_hash_key ON cart (secret_hash);
CREATE INDEX cart_expires_at_idx ON cart (expires_at);

CREATE TABLE cart_line (
    cart_id    UUID        NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    product_id UUID        NOT NULL,
    quantity   BIGINT      NOT NULL CONSTRAINT cart_line_quantity_check CHECK (quantity BETWEEN 1 AND 100),
    -- The order in which it is shown.
    place      BIGINT      NOT NULL,
    PRIMARY KEY (cart_id, product_id)
);

-- What the catalog last said of a product: shown while it gives no answer, never sold from.
CREATE TABLE known_product (
    product_id     UUID        NOT NULL PRIMARY KEY,
    name           TEXT        NOT NULL,
    image          TEXT,
    price_amount   BIGINT      NOT NULL,
    price_currency TEXT        NOT NULL,
    price_version  BIGINT      NOT NULL,
    seen_at        TIMESTAMPTZ NOT NULL
);

-- Read model: an order as it is listed. `state` is the aggregate as the events until `version` make it.
CREATE TABLE order_list (
    generation     BIGINT      NOT NULL,
    order_id       UUID        NOT NULL,
    user_id        UUID        NOT NULL,
    number         TEXT        NOT NULL,
    status         TEXT        NOT NULL,
    processing     BOOLEAN     NOT NULL,
    total_amount   BIGINT      NOT NULL,
    total_currency TEXT        NOT NULL,
    quantity       BIGINT      NOT NULL,
    title          TEXT        NOT NULL,
    version        BIGINT      NOT NULL,
    placed_at      TIMESTAMPTZ NOT NULL,
    changed_at     TIMESTAMPTZ NOT NULL,
    state          TEXT        NOT NULL,
    PRIMARY KEY (generation, order_id)
);
CREATE INDEX order_list_user_id_idx ON order_list (generation, user_id, placed_at, order_id);
CREATE INDEX order_list_placed_at_idx ON order_list (generation, placed_at, order_id);
CREATE INDEX order_list_status_idx ON order_list (generation, status, placed_at, order_id);
CREATE INDEX order_list_number_idx ON order_list (generation, number);

-- Read model: what happened to orders, for those who follow them.
CREATE TABLE order_update (
    generation BIGINT      NOT NULL,
    position   BIGINT      NOT NULL,
    order_id   UUID        NOT NULL,
    user_id    UUID        NOT NULL,
    number     TEXT        NOT NULL,
    what       TEXT        NOT NULL,
    status     TEXT        NOT NULL,
    processing BOOLEAN     NOT NULL,
    version    BIGINT      NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (generation, position)
);
CREATE INDEX order_update_order_id_idx ON order_update (generation, order_id, version);
CREATE INDEX order_update_user_id_idx ON order_update (generation, user_id, position);

-- Read model: which products somebody has bought.
CREATE TABLE order_purchase (
    generation BIGINT      NOT NULL,
    user_id    UUID        NOT NULL,
    product_id UUID        NOT NULL,
    -- The position of the confirmation that came last.
    position   BIGINT      NOT NULL,
    PRIMARY KEY (generation, user_id, product_id)
);
CREATE INDEX order_purchase_position_idx ON order_purchase (generation, user_id, position);
