-- What a request has put off, and each time it took effect. No constraint keeps a second effect out: it is to be seen.
CREATE TABLE errand (
    id BLOB PRIMARY KEY NOT NULL,
    asked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE errand_effect (
    errand_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    done_at INTEGER NOT NULL
) STRICT;

CREATE INDEX errand_effect_errand_id ON errand_effect (errand_id);
