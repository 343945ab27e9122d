-- The last number of the one order of events and messages. It is kept apart
-- from them, since numbers of messages that were trimmed are not used again.
CREATE TABLE minos_sequence (last INTEGER NOT NULL);
INSERT INTO minos_sequence (last) VALUES (0);

CREATE TABLE minos_event (
    seq        INTEGER PRIMARY KEY,
    aggregate  BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    schema     INTEGER NOT NULL,
    data       TEXT    NOT NULL,
    headers    TEXT,
    created_at INTEGER NOT NULL, -- as all times: microseconds since 1970
    UNIQUE (aggregate, version)
);

CREATE TABLE minos_snapshot (
    name       TEXT    NOT NULL,
    aggregate  BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    schema     INTEGER NOT NULL, -- of data
    data       TEXT, -- null: deleted
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (name, aggregate)
);

CREATE TABLE minos_message (
    seq      INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL,
    topic    TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    reply_to TEXT    NOT NULL,
    status   INTEGER NOT NULL,
    content  TEXT,
    headers  TEXT
);

CREATE TABLE minos_receipt (
    message    BLOB    NOT NULL,
    topic      TEXT    NOT NULL,
    settled_at INTEGER NOT NULL,
    PRIMARY KEY (message, topic)
) WITHOUT ROWID;
CREATE INDEX minos_receipt_settled ON minos_receipt (settled_at);

CREATE TABLE minos_saga (
    id         BLOB    PRIMARY KEY,
    definition TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    deadline   INTEGER,
    data       TEXT
);
CREATE INDEX minos_saga_deadline ON minos_saga (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE minos_saga_log (
    saga     BLOB    NOT NULL,
    revision INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    data     TEXT    NOT NULL,
    PRIMARY KEY (saga, revision, place)
);

-- Whose personal data is sealed, and by which key (package privacy).
CREATE TABLE minos_subject_key (
    subject TEXT PRIMARY KEY,
    wrapped BLOB -- null: forgotten, for ever
) WITHOUT ROWID;

CREATE TABLE minos_cursor (
    name     TEXT    PRIMARY KEY,
    epoch    INTEGER NOT NULL, -- of the lease that may move it
    position INTEGER NOT NULL
);
