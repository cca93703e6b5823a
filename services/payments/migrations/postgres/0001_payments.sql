-- Payments. The same tables, columns and constraint names as on SQLite.

CREATE TABLE payment (
    -- The checkout.
    id            UUID    NOT NULL PRIMARY KEY,
    -- Absent for a payment that was let go before it was begun.
    order_id      UUID,
    user_id       UUID,
    amount        BIGINT NOT NULL,
    currency      TEXT    NOT NULL,
    captured      BIGINT NOT NULL,
    refunded      BIGINT NOT NULL,
    -- In refunds whose end is not known.
    refunding     BIGINT NOT NULL,
    state         TEXT    NOT NULL CONSTRAINT payment_state_check CHECK (state IN ('PENDING', 'REQUIRES_ACTION', 'AUTHORIZED',
        'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'FAILED', 'VOIDED')),
    -- What is to be done with it and is not done.
    wish          TEXT    CONSTRAINT payment_wish_check CHECK (wish IN ('capture', 'void')),
    -- What the provider calls it.
    reference     TEXT,
    -- The card's token, until the provider's answer is known.
    method        TEXT,
    failure       TEXT,
    action_url    TEXT,
    action_secret TEXT,
    -- Which idempotency key is in use; the provider keeps a failure under the one before.
    round         BIGINT NOT NULL,
    -- Whether the provider failed in a way that may have taken effect.
    doubt         BOOLEAN NOT NULL,
    attempts      BIGINT NOT NULL,
    -- When the provider is asked again; absent where nothing is open.
    next_at TIMESTAMPTZ,
    version       BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT payment_captured_check CHECK (captured = 0 OR captured = amount),
    CONSTRAINT payment_refunded_check CHECK (refunded >= 0 AND refunding >= 0 AND refunded <= captured
        AND refunded + refunding <= amount)
);
CREATE INDEX payment_next_at_idx ON payment (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX payment_user_id_idx ON payment (user_id, created_at, id);
CREATE INDEX payment_order_id_idx ON payment (order_id, created_at, id);
CREATE INDEX payment_created_at_idx ON payment (created_at, id);
CREATE INDEX payment_reference_idx ON payment (reference);

CREATE TABLE payment_history (
    payment_id UUID    NOT NULL REFERENCES payment (id),
    version    BIGINT NOT NULL,
    from_state TEXT    NOT NULL,
    to_state   TEXT    NOT NULL,
    -- answer, webhook, reconciliation or request.
    cause      TEXT    NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (payment_id, version)
);

CREATE TABLE refund (
    id         UUID    NOT NULL PRIMARY KEY,
    payment_id UUID    NOT NULL REFERENCES payment (id),
    amount     BIGINT NOT NULL CONSTRAINT refund_amount_check CHECK (amount >= 0),
    reason     TEXT    NOT NULL,
    state      TEXT    NOT NULL CONSTRAINT refund_state_check CHECK (state IN ('PENDING', 'SUCCEEDED', 'FAILED')),
    reference  TEXT,
    failure    TEXT,
    round      BIGINT NOT NULL,
    doubt      BOOLEAN NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX refund_payment_id_idx ON refund (payment_id, created_at, id);
CREATE INDEX refund_next_at_idx ON refund (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE webhook_event (
    provider    TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (provider, id)
);
CREATE INDEX webhook_event_received_at_idx ON webhook_event (received_at);

CREATE TABLE reconciliation_finding (
    id         UUID    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    -- The payment's id, or what the provider calls a charge that no payment belongs to.
    subject    TEXT    NOT NULL,
    payment_id UUID,
    reference  TEXT,
    detail     TEXT    NOT NULL,
    -- When the payment or charge was made.
    subject_at TIMESTAMPTZ NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX reconciliation_finding_kind_subject_key ON reconciliation_finding (kind, subject);
CREATE INDEX reconciliation_finding_closed_at_idx ON reconciliation_finding (closed_at, last_seen, id);

-- The sandbox's bank. It stands for somebody else's books: nothing but the sandbox reads or writes it, and it knows no
-- table of ours.
CREATE TABLE sandbox_charge (
    reference  TEXT    NOT NULL PRIMARY KEY,
    -- The idempotency key of the request that made it.
    made_by    TEXT    NOT NULL,
    checkout   UUID    NOT NULL,
    card       TEXT    NOT NULL,
    amount     BIGINT NOT NULL,
    currency   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    captured   BIGINT NOT NULL,
    refunded   BIGINT NOT NULL,
    refusal    TEXT,
    -- When a slow card answers.
    ripe_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT sandbox_charge_refunded_check CHECK (refunded >= 0 AND refunded <= captured AND captured <= amount)
);
CREATE UNIQUE INDEX sandbox_charge_made_by_key ON sandbox_charge (made_by);
CREATE INDEX sandbox_charge_checkout_idx ON sandbox_charge (checkout);
CREATE INDEX sandbox_charge_created_at_idx ON sandbox_charge (created_at, reference);
CREATE INDEX sandbox_charge_ripe_at_idx ON sandbox_charge (ripe_at) WHERE ripe_at IS NOT NULL;

CREATE TABLE sandbox_refund (
    made_by    TEXT    NOT NULL PRIMARY KEY,
    refund     UUID    NOT NULL,
    charge     TEXT    NOT NULL,
    amount     BIGINT NOT NULL,
    state      TEXT    NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sandbox_refund_charge_idx ON sandbox_refund (charge);

-- What went wrong once already, by the request's idempotency key.
CREATE TABLE sandbox_mishap (
    made_by TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE sandbox_webhook (
    id     TEXT    NOT NULL PRIMARY KEY,
    body   TEXT    NOT NULL,
    copies BIGINT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sandbox_webhook_due_at_idx ON sandbox_webhook (due_at);
