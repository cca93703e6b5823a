-- Notifications. The same tables, columns and constraint names as on SQLite.

CREATE TABLE notification (
    id         UUID NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    -- What makes it another message than the one before of its kind: the order, the attempt to pay, the refund.
    subject    TEXT NOT NULL,
    -- To whom, as a text: of one kind and subject, one recipient gets one.
    recipient  TEXT NOT NULL,
    -- A person, or else an address.
    user_id    UUID,
    address    TEXT,
    order_id   UUID,
    -- What it tells, by placeholder; emptied once it is settled.
    facts      JSONB NOT NULL,
    state      TEXT NOT NULL CONSTRAINT notification_state_check CHECK (state IN ('QUEUED', 'MAILED', 'SKIPPED')),
    -- Why it was skipped.
    why        TEXT,
    title      TEXT,
    text       TEXT,
    -- Its row in mail_outbox.
    mail_id    UUID,
    -- The job that sends it.
    job_id     UUID,
    created_at TIMESTAMPTZ NOT NULL,
    settled_at TIMESTAMPTZ,
    CONSTRAINT notification_recipient_check CHECK ((user_id IS NULL) <> (address IS NULL)),
    CONSTRAINT notification_mail_check CHECK ((state = 'MAILED') = (mail_id IS NOT NULL))
);
CREATE UNIQUE INDEX notification_kind_subject_recipient_key ON notification (kind, subject, recipient);
CREATE UNIQUE INDEX notification_mail_id_key ON notification (mail_id);
CREATE INDEX notification_user_id_idx ON notification (user_id, id);
CREATE INDEX notification_created_at_idx ON notification (created_at);
CREATE INDEX notification_state_idx ON notification (state, created_at);

-- Whose order it is: from order.created, because payment.captured does not say. A row without a user is one of which only a
-- payment has been heard.
CREATE TABLE known_order (
    order_id UUID NOT NULL PRIMARY KEY,
    user_id  UUID,
    number   TEXT,
    heard_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX known_order_heard_at_idx ON known_order (heard_at);

-- Payments that were heard of before their order.
CREATE TABLE parked_receipt (
    checkout_id UUID NOT NULL PRIMARY KEY,
    order_id    UUID NOT NULL,
    amount      BIGINT NOT NULL,
    currency    TEXT NOT NULL
);
CREATE INDEX parked_receipt_order_id_idx ON parked_receipt (order_id);

-- What people do not want to be told.
CREATE TABLE turned_off (
    user_id UUID NOT NULL,
    kind    TEXT NOT NULL,
    PRIMARY KEY (user_id, kind)
);
