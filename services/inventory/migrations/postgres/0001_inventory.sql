-- Stock, reservations, the ledger. The same tables, columns and constraint names on both engines.

-- One row a product. `seq` is the number of its last line in `movement`.
CREATE TABLE stock (
    product_id       UUID NOT NULL PRIMARY KEY,
    vendor_id        UUID NOT NULL,
    sku              TEXT NOT NULL,
    on_hand          BIGINT NOT NULL,
    reserved         BIGINT NOT NULL,
    reorder_level    BIGINT NOT NULL,
    reorder_quantity BIGINT NOT NULL,
    -- Whether it was told that there is too little, or nothing was there to become too little.
    low_told         BOOLEAN NOT NULL,
    seq              BIGINT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    -- Since when the catalog no longer has it: nothing is reserved any more.
    removed_at       TIMESTAMPTZ,
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_not_oversold CHECK (on_hand >= reserved),
    CONSTRAINT stock_countable CHECK (on_hand <= 1000000000)
);
CREATE INDEX stock_vendor_id_idx ON stock (vendor_id, sku, product_id);
CREATE INDEX stock_sku_idx ON stock (sku, product_id);

-- One row a checkout, kept for good. Only one that was let go before it was made has no order and no lines.
CREATE TABLE reservation (
    checkout_id UUID NOT NULL PRIMARY KEY,
    order_id    UUID,
    state       TEXT NOT NULL CONSTRAINT reservation_state_check
        CHECK (state IN ('ACTIVE', 'SECURED', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    expires_at  TIMESTAMPTZ NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    CONSTRAINT reservation_has_an_order CHECK (order_id IS NOT NULL OR state = 'RELEASED')
);
CREATE INDEX reservation_order_id_idx ON reservation (order_id);
CREATE INDEX reservation_expires_at_idx ON reservation (expires_at) WHERE state = 'ACTIVE';

CREATE TABLE reservation_line (
    checkout_id UUID NOT NULL REFERENCES reservation (checkout_id),
    product_id  UUID NOT NULL,
    quantity    BIGINT NOT NULL CONSTRAINT reservation_line_quantity_positive CHECK (quantity > 0),
    PRIMARY KEY (checkout_id, product_id)
);

-- The ledger: a row for each change of `on_hand` or `reserved`, numbered by product without gaps. Never changed, never removed.
CREATE TABLE movement (
    id              UUID NOT NULL PRIMARY KEY,
    product_id      UUID NOT NULL,
    seq             BIGINT NOT NULL,
    kind            TEXT NOT NULL CONSTRAINT movement_kind_check CHECK (
        kind IN ('RESERVE', 'RELEASE', 'EXPIRE', 'COMMIT', 'RETURN', 'PURCHASE', 'DAMAGE', 'ADJUSTMENT')),
    on_hand_change  BIGINT NOT NULL,
    reserved_change BIGINT NOT NULL,
    on_hand         BIGINT NOT NULL,
    reserved        BIGINT NOT NULL,
    reason          TEXT,
    by_user_id      UUID,
    checkout_id     UUID,
    refund_id       UUID,
    at              TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX movement_product_id_seq_key ON movement (product_id, seq);

-- Goods that came back, once for each refund.
CREATE TABLE restock (
    refund_id UUID NOT NULL PRIMARY KEY,
    order_id  UUID NOT NULL,
    at        TIMESTAMPTZ NOT NULL
);
CREATE INDEX restock_order_id_idx ON restock (order_id);

CREATE TABLE restock_line (
    refund_id  UUID NOT NULL REFERENCES restock (refund_id),
    product_id UUID NOT NULL,
    quantity   BIGINT NOT NULL CONSTRAINT restock_line_quantity_positive CHECK (quantity > 0),
    PRIMARY KEY (refund_id, product_id)
);
