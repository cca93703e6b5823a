-- What a measured transaction or handler writes.
CREATE TABLE effect (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number BIGINT NOT NULL,
    note TEXT NOT NULL
);
