-- Alerts, incidents, and how the services were. The same tables, columns and constraint names as on PostgreSQL.

-- What has the same labels is one alert, however often it fires.
CREATE TABLE alert (
    id                BLOB    NOT NULL PRIMARY KEY,
    fingerprint       TEXT    NOT NULL,
    name              TEXT    NOT NULL,
    severity          TEXT    NOT NULL CONSTRAINT alert_severity_check CHECK (severity IN ('CRITICAL', 'WARNING', 'INFO')),
    status            TEXT    NOT NULL CONSTRAINT alert_status_check CHECK (status IN ('FIRING', 'RESOLVED')),
    service           TEXT,
    summary           TEXT,
    description       TEXT,
    -- What may be said to everybody: the annotation public_summary.
    public_summary    TEXT,
    labels            TEXT    NOT NULL,
    starts_at         INTEGER NOT NULL,
    ends_at           INTEGER,
    fired             INTEGER NOT NULL,
    received          INTEGER NOT NULL,
    first_received_at INTEGER NOT NULL,
    last_received_at  INTEGER NOT NULL,
    changed_at        INTEGER NOT NULL,
    -- 1: nobody said that it ended; it was not heard of for too long.
    expired           INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT alert_ends_check CHECK ((status = 'RESOLVED') = (ends_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX alert_fingerprint_key ON alert (fingerprint);
CREATE INDEX alert_changed_at_idx ON alert (changed_at, id);
CREATE INDEX alert_status_idx ON alert (status, severity, service);

-- What an alert came to, and when that was heard.
CREATE TABLE alert_change (
    id          BLOB    NOT NULL PRIMARY KEY,
    alert_id    BLOB    NOT NULL CONSTRAINT alert_change_alert_id_fkey REFERENCES alert (id) ON DELETE CASCADE,
    status      TEXT    NOT NULL CONSTRAINT alert_change_status_check CHECK (status IN ('FIRING', 'RESOLVED')),
    starts_at   INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- 1: nobody said that it ended; it was not heard of for too long.
    expired     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX alert_change_alert_id_idx ON alert_change (alert_id, received_at, id);

CREATE TABLE incident (
    id          BLOB    NOT NULL PRIMARY KEY,
    -- What an automatic incident is about: a service, or 'platform'. Absent for one that a person opened.
    subject     TEXT,
    origin      TEXT    NOT NULL CONSTRAINT incident_origin_check CHECK (origin IN ('READINESS', 'ALERT', 'PERSON')),
    automatic   INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    impact      TEXT    NOT NULL CONSTRAINT incident_impact_check CHECK (impact IN ('MINOR', 'MAJOR', 'CRITICAL')),
    status      TEXT    NOT NULL
        CONSTRAINT incident_status_check CHECK (status IN ('INVESTIGATING', 'IDENTIFIED', 'MONITORING', 'RESOLVED')),
    services    TEXT    NOT NULL,
    opened_at   INTEGER NOT NULL,
    resolved_at INTEGER,
    -- Who said that it is over; absent when that was seen.
    resolved_by BLOB   ,
    version     INTEGER NOT NULL,
    CONSTRAINT incident_resolved_check CHECK ((status = 'RESOLVED') = (resolved_at IS NOT NULL))
) STRICT;
-- One open incident of each subject, whoever sees it first.
CREATE UNIQUE INDEX incident_subject_key ON incident (subject) WHERE resolved_at IS NULL AND subject IS NOT NULL;
CREATE INDEX incident_opened_at_idx ON incident (opened_at, id);
CREATE INDEX incident_subject_idx ON incident (subject, resolved_at);

CREATE TABLE incident_update (
    id          BLOB    NOT NULL PRIMARY KEY,
    incident_id BLOB    NOT NULL
        CONSTRAINT incident_update_incident_id_fkey REFERENCES incident (id) ON DELETE CASCADE,
    status      TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    user_id     BLOB   
) STRICT;
CREATE INDEX incident_update_incident_id_idx ON incident_update (incident_id, at, id);

-- How a service was when somebody looked last.
CREATE TABLE service_state (
    service   TEXT    NOT NULL PRIMARY KEY,
    state     TEXT    NOT NULL
        CONSTRAINT service_state_state_check CHECK (state IN ('OPERATIONAL', 'DEGRADED', 'DOWN')),
    since     INTEGER NOT NULL,
    looked_at INTEGER NOT NULL
) STRICT;

-- Milliseconds that a service was so in an hour since 1970. What the three leave of the hour is not known.
CREATE TABLE service_hour (
    service     TEXT    NOT NULL,
    hour        INTEGER NOT NULL,
    up_ms       INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL,
    down_ms     INTEGER NOT NULL,
    PRIMARY KEY (service, hour),
    CONSTRAINT service_hour_check
        CHECK (up_ms >= 0 AND degraded_ms >= 0 AND down_ms >= 0 AND up_ms + degraded_ms + down_ms <= 3600000)
) STRICT, WITHOUT ROWID;
