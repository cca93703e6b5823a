-- Payments. The same tables, columns and constraint names as on PostgreSQL.

CREATE TABLE payment (
    -- The checkout.
    id            BLOB    NOT NULL PRIMARY KEY,
    -- Absent for a payment that was let go before it was begun.
    order_id      BLOB,
    user_id       BLOB,
    amount        INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    captured      INTEGER NOT NULL,
    refunded      INTEGER NOT NULL,
    -- In refunds whose end is not known.
    refunding     INTEGER NOT NULL,
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
    round         INTEGER NOT NULL,
    -- Whether the provider failed in a way that may have taken effect.
    doubt         INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    -- When the provider is asked again; absent where nothing is open.
    next_at       INTEGER,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CONSTRAINT payment_captured_check CHECK (captured = 0 OR captured = amount),
    CONSTRAINT payment_refunded_check CHECK (refunded >= 0 AND refunding >= 0 AND refunded <= captured
        AND refunded + refunding <= amount)
) STRICT;
CREATE INDEX payment_next_at_idx ON payment (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX payment_user_id_idx ON payment (user_id, created_at, id);
CREATE INDEX payment_order_id_idx ON payment (order_id, created_at, id);
CREATE INDEX payment_created_at_idx ON payment (created_at, id);
CREATE INDEX payment_reference_idx ON payment (reference);

CREATE TABLE payment_history (
    payment_id BLOB    NOT NULL REFERENCES payment (id),
    version    INTEGER NOT NULL,
    from_state TEXT    NOT NULL,
    to_state   TEXT    NOT NULL,
    -- answer, webhook, reconciliation or request.
    cause      TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (payment_id, version)
) STRICT;

CREATE TABLE refund (
    id         BLOB    NOT NULL PRIMARY KEY,
    payment_id BLOB    NOT NULL REFERENCES payment (id),
    amount     INTEGER NOT NULL CONSTRAINT refund_amount_check CHECK (amount >= 0),
    reason     TEXT    NOT NULL,
    state      TEXT    NOT NULL CONSTRAINT refund_state_check CHECK (state IN ('PENDING', 'SUCCEEDED', 'FAILED')),
    reference  TEXT,
    failure    TEXT,
    round      INTEGER NOT NULL,
    doubt      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX refund_payment_id_idx ON refund (payment_id, created_at, id);
CREATE INDEX refund_next_at_idx ON refund (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE webhook_event (
    provider    TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (provider, id)
) STRICT;
CREATE INDEX webhook_event_received_at_idx ON webhook_event (received_at);

CREATE TABLE reconciliation_finding (
    id         BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    -- The payment's id, or what the provider calls a charge that no payment belongs to.
    subject    TEXT    NOT NULL,
    payment_id BLOB,
    reference  TEXT,
    detail     TEXT    NOT NULL,
    -- When the payment or charge was made.
    subject_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    closed_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX reconciliation_finding_kind_subject_key ON reconciliation_finding (kind, subject);
CREATE INDEX reconciliation_finding_closed_at_idx ON reconciliation_finding (closed_at, last_seen, id);

-- The sandbox's bank. It stands for somebody else's books: nothing but the sandbox reads or writes it, and it knows no
-- table of ours.
CREATE TABLE sandbox_charge (
    reference  TEXT    NOT NULL PRIMARY KEY,
    -- The idempotency key of the request that made it.
    made_by    TEXT    NOT NULL,
    checkout   BLOB    NOT NULL,
    card       TEXT    NOT NULL,
    amount     INTEGER NOT NULL,
    currency   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    captured   INTEGER NOT NULL,
    refunded   INTEGER NOT NULL,
    refusal    TEXT,
    -- When a slow card answers.
    ripe_at    INTEGER,
    created_at INTEGER NOT NULL,
    CONSTRAINT sandbox_charge_refunded_check CHECK (refunded >= 0 AND refunded <= captured AND captured <= amount)
) STRICT;
CREATE UNIQUE INDEX sandbox_charge_made_by_key ON sandbox_charge (made_by);
CREATE INDEX sandbox_charge_checkout_idx ON sandbox_charge (checkout);
CREATE INDEX sandbox_charge_created_at_idx ON sandbox_charge (created_at, reference);
CREATE INDEX sandbox_charge_ripe_at_idx ON sandbox_charge (ripe_at) WHERE ripe_at IS NOT NULL;

CREATE TABLE sandbox_refund (
    made_by    TEXT    NOT NULL PRIMARY KEY,
    refund     BLOB    NOT NULL,
    charge     TEXT    NOT NULL,
    amount     INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sandbox_refund_charge_idx ON sandbox_refund (charge);

-- What went wrong once already, by the request's idempotency key.
CREATE TABLE sandbox_mishap (
    made_by TEXT NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE sandbox_webhook (
    id     TEXT    NOT NULL PRIMARY KEY,
    body   TEXT    NOT NULL,
    copies INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sandbox_webhook_due_at_idx ON sandbox_webhook (due_at);
