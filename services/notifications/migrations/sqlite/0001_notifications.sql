-- Notifications. The same tables, columns and constraint names as on PostgreSQL.

CREATE TABLE notification (
    id         BLOB NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    -- What makes it another message than the one before of its kind: the order, the attempt to pay, the refund.
    subject    TEXT NOT NULL,
    -- To whom, as a text: of one kind and subject, one recipient gets one.
    recipient  TEXT NOT NULL,
    -- A person, or else an address.
    user_id    BLOB,
    address    TEXT,
    order_id   BLOB,
    -- What it tells, by placeholder; emptied once it is settled.
    facts      TEXT NOT NULL,
    state      TEXT NOT NULL CONSTRAINT notification_state_check CHECK (state IN ('QUEUED', 'MAILED', 'SKIPPED')),
    -- Why it was skipped.
    why        TEXT,
    title      TEXT,
    text       TEXT,
    -- Its row in mail_outbox.
    mail_id    BLOB,
    -- The job that sends it.
    job_id     BLOB,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT notification_recipient_check CHECK ((user_id IS NULL) <> (address IS NULL)),
    CONSTRAINT notification_mail_check CHECK ((state = 'MAILED') = (mail_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX notification_kind_subject_recipient_key ON notification (kind, subject, recipient);
CREATE UNIQUE INDEX notification_mail_id_key ON notification (mail_id);
CREATE INDEX notification_user_id_idx ON notification (user_id, id);
CREATE INDEX notification_created_at_idx ON notification (created_at);
CREATE INDEX notification_state_idx ON notification (state, created_at);

-- Whose order it is: from order.created, because payment.captured does not say. A row without a user is one of which only a
-- payment has been heard.
CREATE TABLE known_order (
    order_id BLOB NOT NULL PRIMARY KEY,
    user_id  BLOB,
    number   TEXT,
    heard_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX known_order_heard_at_idx ON known_order (heard_at);

-- Payments that were heard of before their order.
CREATE TABLE parked_receipt (
    checkout_id BLOB NOT NULL PRIMARY KEY,
    order_id    BLOB NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX parked_receipt_order_id_idx ON parked_receipt (order_id);

-- What people do not want to be told.
CREATE TABLE turned_off (
    user_id BLOB NOT NULL,
    kind    TEXT NOT NULL,
    PRIMARY KEY (user_id, kind)
) STRICT, WITHOUT ROWID;
