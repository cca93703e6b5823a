-- Alerts, incidents, and how the services were. The same tables, columns and constraint names as on SQLite.

-- What has the same labels is one alert, however often it fires.
CREATE TABLE alert (
    id                UUID        NOT NULL PRIMARY KEY,
    fingerprint       TEXT        NOT NULL,
    name              TEXT        NOT NULL,
    severity          TEXT        NOT NULL CONSTRAINT alert_severity_check CHECK (severity IN ('CRITICAL', 'WARNING', 'INFO')),
    status            TEXT        NOT NULL CONSTRAINT alert_status_check CHECK (status IN ('FIRING', 'RESOLVED')),
    service           TEXT,
    summary           TEXT,
    description       TEXT,
    -- What may be said to everybody: the annotation public_summary.
    public_summary    TEXT,
    labels            JSONB       NOT NULL,
    starts_at         TIMESTAMPTZ NOT NULL,
    ends_at           TIMESTAMPTZ,
    fired             BIGINT      NOT NULL,
    received          BIGINT      NOT NULL,
    first_received_at TIMESTAMPTZ NOT NULL,
    last_received_at  TIMESTAMPTZ NOT NULL,
    changed_at        TIMESTAMPTZ NOT NULL,
    -- 1: nobody said that it ended; it was not heard of for too long.
    expired           BIGINT      NOT NULL DEFAULT 0,
    CONSTRAINT alert_ends_check CHECK ((status = 'RESOLVED') = (ends_at IS NOT NULL))
);
CREATE UNIQUE INDEX alert_fingerprint_key ON alert (fingerprint);
CREATE INDEX alert_changed_at_idx ON alert (changed_at, id);
CREATE INDEX alert_status_idx ON alert (status, severity, service);

-- What an alert came to, and when that was heard.
CREATE TABLE alert_change (
    id          UUID        NOT NULL PRIMARY KEY,
    alert_id    UUID        NOT NULL CONSTRAINT alert_change_alert_id_fkey REFERENCES alert (id) ON DELETE CASCADE,
    status      TEXT        NOT NULL CONSTRAINT alert_change_status_check CHECK (status IN ('FIRING', 'RESOLVED')),
    starts_at   TIMESTAMPTZ NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    -- 1: nobody said that it ended; it was not heard of for too long.
    expired     BIGINT      NOT NULL DEFAULT 0
);
CREATE INDEX alert_change_alert_id_idx ON alert_change (alert_id, received_at, id);

CREATE TABLE incident (
    id          UUID        NOT NULL PRIMARY KEY,
    -- What an automatic incident is about: a service, or 'platform'. Absent for one that a person opened.
    subject     TEXT,
    origin      TEXT        NOT NULL CONSTRAINT incident_origin_check CHECK (origin IN ('READINESS', 'ALERT', 'PERSON')),
    automatic   BIGINT      NOT NULL,
    title       TEXT        NOT NULL,
    impact      TEXT        NOT NULL CONSTRAINT incident_impact_check CHECK (impact IN ('MINOR', 'MAJOR', 'CRITICAL')),
    status      TEXT        NOT NULL
        CONSTRAINT incident_status_check CHECK (status IN ('INVESTIGATING', 'IDENTIFIED', 'MONITORING', 'RESOLVED')),
    services    JSONB       NOT NULL,
    opened_at   TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ,
    -- Who said that it is over; absent when that was seen.
    resolved_by UUID       ,
    version     BIGINT      NOT NULL,
    CONSTRAINT incident_resolved_check CHECK ((status = 'RESOLVED') = (resolved_at IS NOT NULL))
);
-- One open incident of each subject, whoever sees it first.
CREATE UNIQUE INDEX incident_subject_key ON incident (subject) WHERE resolved_at IS NULL AND subject IS NOT NULL;
CREATE INDEX incident_opened_at_idx ON incident (opened_at, id);
CREATE INDEX incident_subject_idx ON incident (subject, resolved_at);

CREATE TABLE incident_update (
    id          UUID        NOT NULL PRIMARY KEY,
    incident_id UUID        NOT NULL
        CONSTRAINT incident_update_incident_id_fkey REFERENCES incident (id) ON DELETE CASCADE,
    status      TEXT        NOT NULL,
    text        TEXT        NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    user_id     UUID       
);
CREATE INDEX incident_update_incident_id_idx ON incident_update (incident_id, at, id);

-- How a service was when somebody looked last.
CREATE TABLE service_state (
    service   TEXT        NOT NULL PRIMARY KEY,
    state     TEXT        NOT NULL
        CONSTRAINT service_state_state_check CHECK (state IN ('OPERATIONAL', 'DEGRADED', 'DOWN')),
    since     TIMESTAMPTZ NOT NULL,
    looked_at TIMESTAMPTZ NOT NULL
);

-- Milliseconds that a service was so in an hour since 1970. What the three leave of the hour is not known.
CREATE TABLE service_hour (
    service     TEXT        NOT NULL,
    hour        BIGINT      NOT NULL,
    up_ms       BIGINT      NOT NULL,
    degraded_ms BIGINT      NOT NULL,
    down_ms     BIGINT      NOT NULL,
    PRIMARY KEY (service, hour),
    CONSTRAINT service_hour_check
        CHECK (up_ms >= 0 AND degraded_ms >= 0 AND down_ms >= 0 AND up_ms + degraded_ms + down_ms <= 3600000)
);
