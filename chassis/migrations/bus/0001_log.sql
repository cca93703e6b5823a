-- The embedded bus: every record of every topic in the order in which it was published. A position is never given twice,
-- also when all records were removed.
CREATE TABLE bus_record (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    id BLOB NOT NULL,
    body BLOB NOT NULL,
    published_at INTEGER NOT NULL
) STRICT;

-- Ends with the position by itself.
CREATE INDEX bus_record_topic ON bus_record (topic);

-- Up to which position the records of a topic were removed because of their age, so that a reader which comes later can
-- tell that it has missed some.
CREATE TABLE bus_removed (
    topic TEXT PRIMARY KEY NOT NULL,
    position INTEGER NOT NULL
) STRICT;
