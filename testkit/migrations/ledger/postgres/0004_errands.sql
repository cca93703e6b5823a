-- What a request has put off, and each time it took effect. No constraint keeps a second effect out: it is to be seen.
CREATE TABLE errand (
    id UUID PRIMARY KEY NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE errand_effect (
    errand_id UUID NOT NULL,
    attempt BIGINT NOT NULL,
    done_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX errand_effect_errand_id ON errand_effect (errand_id);
