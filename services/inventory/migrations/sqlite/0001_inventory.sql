-- Stock, reservations, the ledger. The same tables, columns and constraint names on both engines.

-- One row a product. `seq` is the number of its last line in `movement`.
CREATE TABLE stock (
    product_id       BLOB NOT NULL PRIMARY KEY,
    vendor_id        BLOB NOT NULL,
    sku              TEXT NOT NULL,
    on_hand          INTEGER NOT NULL,
    reserved         INTEGER NOT NULL,
    reorder_level    INTEGER NOT NULL,
    reorder_quantity INTEGER NOT NULL,
    -- Whether it was told that there is too little, or nothing was there to become too little.
    low_told         INTEGER NOT NULL,
    seq              INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    -- Since when the catalog no longer has it: nothing is reserved any more.
    removed_at       INTEGER,
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_not_oversold CHECK (on_hand >= reserved),
    CONSTRAINT stock_countable CHECK (on_hand <= 1000000000)
) STRICT;
CREATE INDEX stock_vendor_id_idx ON stock (vendor_id, sku, product_id);
CREATE INDEX stock_sku_idx ON stock (sku, product_id);

-- One row a checkout, kept for good. Only one that was let go before it was made has no order and no lines.
CREATE TABLE reservation (
    checkout_id BLOB NOT NULL PRIMARY KEY,
    order_id    BLOB,
    state       TEXT NOT NULL CONSTRAINT reservation_state_check
        CHECK (state IN ('ACTIVE', 'SECURED', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    expires_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    CONSTRAINT reservation_has_an_order CHECK (order_id IS NOT NULL OR state = 'RELEASED')
) STRICT;
CREATE INDEX reservation_order_id_idx ON reservation (order_id);
CREATE INDEX reservation_expires_at_idx ON reservation (expires_at) WHERE state = 'ACTIVE';

CREATE TABLE reservation_line (
    checkout_id BLOB NOT NULL REFERENCES reservation (checkout_id),
    product_id  BLOB NOT NULL,
    quantity    INTEGER NOT NULL CONSTRAINT reservation_line_quantity_positive CHECK (quantity > 0),
    PRIMARY KEY (checkout_id, product_id)
) STRICT;

-- The ledger: a row for each change of `on_hand` or `reserved`, numbered by product without gaps. Never changed, never removed.
CREATE TABLE movement (
    id              BLOB NOT NULL PRIMARY KEY,
    product_id      BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    kind            TEXT NOT NULL CONSTRAINT movement_kind_check CHECK (
        kind IN ('RESERVE', 'RELEASE', 'EXPIRE', 'COMMIT', 'RETURN', 'PURCHASE', 'DAMAGE', 'ADJUSTMENT')),
    on_hand_change  INTEGER NOT NULL,
    reserved_change INTEGER NOT NULL,
    on_hand         INTEGER NOT NULL,
    reserved        INTEGER NOT NULL,
    reason          TEXT,
    by_user_id      BLOB,
    checkout_id     BLOB,
    refund_id       BLOB,
    at              INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX movement_product_id_seq_key ON movement (product_id, seq);

-- Goods that came back, once for each refund.
CREATE TABLE restock (
    refund_id BLOB NOT NULL PRIMARY KEY,
    order_id  BLOB NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX restock_order_id_idx ON restock (order_id);

CREATE TABLE restock_line (
    refund_id  BLOB NOT NULL REFERENCES restock (refund_id),
    product_id BLOB NOT NULL,
    quantity   INTEGER NOT NULL CONSTRAINT restock_line_quantity_positive CHECK (quantity > 0),
    PRIMARY KEY (refund_id, product_id)
) STRICT;
