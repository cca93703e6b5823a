-- Orders: what is not in their events, because a person may ask for it to be forgotten.
CREATE TABLE orders (
    id               UUID    NOT NULL PRIMARY KEY,
    user_id          UUID    NOT NULL,
    number           TEXT    NOT NULL,
    shipping_address JSONB       NOT NULL,
    billing_address  JSONB,
    notes            TEXT,
    placed_at        TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX orders_number_key ON orders (number);

-- Every attempt to turn an order into a sale. Its id is that of its saga, of its reservation and of its payment.
CREATE TABLE checkout (
    id              UUID    NOT NULL PRIMARY KEY,
    order_id        UUID    NOT NULL,
    flow            TEXT    NOT NULL CONSTRAINT checkout_flow_known CHECK (flow IN ('orchestration', 'choreography')),
    state           TEXT    NOT NULL CONSTRAINT checkout_state_known
                            CHECK (state IN ('OPEN', 'CONFIRMED', 'COMPLETE', 'FAILED', 'CANCELLED', 'REVERSED')),
    amount          BIGINT NOT NULL,
    currency        TEXT    NOT NULL,
    refunded        BIGINT NOT NULL DEFAULT 0,
    -- What inventory and payments were heard to have done.
    stock           TEXT    CONSTRAINT checkout_stock_known
                            CHECK (stock IN ('RESERVED', 'REJECTED', 'RELEASED', 'COMMITTED')),
    payment         TEXT    CONSTRAINT checkout_payment_known
                            CHECK (payment IN ('ACTION_REQUIRED', 'AUTHORIZED', 'FAILED', 'CAPTURED', 'VOIDED', 'REFUNDED')),
    deadline_at     TIMESTAMPTZ NOT NULL,
    begun_at        TIMESTAMPTZ NOT NULL,
    moved_at        TIMESTAMPTZ NOT NULL,
    CONSTRAINT checkout_refunded_fits CHECK (refunded >= 0 AND refunded <= amount)
);
CREATE INDEX checkout_overdue_idx ON checkout (deadline_at) WHERE state = 'OPEN' AND flow = 'choreography';
