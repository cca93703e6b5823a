-- What a measured transaction or handler writes.
CREATE TABLE effect (
    place INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    number INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
