-- Orders: what is not in their events, because a person may ask for it to be forgotten.
CREATE TABLE orders (
    id               BLOB    NOT NULL PRIMARY KEY,
    user_id          BLOB    NOT NULL,
    number           TEXT    NOT NULL,
    shipping_address TEXT    NOT NULL,
    billing_address  TEXT,
    notes            TEXT,
    placed_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_number_key ON orders (number);

-- Every attempt to turn an order into a sale. Its id is that of its saga, of its reservation and of its payment.
CREATE TABLE checkout (
    id              BLOB    NOT NULL PRIMARY KEY,
    order_id        BLOB    NOT NULL,
    flow            TEXT    NOT NULL CONSTRAINT checkout_flow_known CHECK (flow IN ('orchestration', 'choreography')),
    state           TEXT    NOT NULL CONSTRAINT checkout_state_known
                            CHECK (state IN ('OPEN', 'CONFIRMED', 'COMPLETE', 'FAILED', 'CANCELLED', 'REVERSED')),
    amount          INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    refunded        INTEGER NOT NULL DEFAULT 0,
    -- What inventory and payments were heard to have done.
    stock           TEXT    CONSTRAINT checkout_stock_known
                            CHECK (stock IN ('RESERVED', 'REJECTED', 'RELEASED', 'COMMITTED')),
    payment         TEXT    CONSTRAINT checkout_payment_known
                            CHECK (payment IN ('ACTION_REQUIRED', 'AUTHORIZED', 'FAILED', 'CAPTURED', 'VOIDED', 'REFUNDED')),
    deadline_at     INTEGER NOT NULL,
    begun_at        INTEGER NOT NULL,
    moved_at        INTEGER NOT NULL,
    CONSTRAINT checkout_refunded_fits CHECK (refunded >= 0 AND refunded <= amount)
) STRICT;
CREATE INDEX checkout_overdue_idx ON checkout (deadline_at) WHERE state = 'OPEN' AND flow = 'choreography';
