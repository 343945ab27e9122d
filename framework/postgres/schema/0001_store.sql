-- One order for events and messages. A number is drawn behind the fence (see
-- commit.go), which is keyed by the number before it: hence the burned 0, so
-- that there always is a number that was drawn. Never change CACHE.
CREATE SEQUENCE minos.seq MINVALUE 0 START 0 CACHE 1;
SELECT nextval('minos.seq');

CREATE TABLE minos.event (
    seq        bigint      PRIMARY KEY DEFAULT nextval('minos.seq'),
    aggregate  uuid        NOT NULL,
    version    integer     NOT NULL,
    name       text        NOT NULL,
    action     text        NOT NULL,
    schema     integer     NOT NULL,
    data       json        NOT NULL,
    headers    json,
    created_at timestamptz NOT NULL,
    CONSTRAINT event_version UNIQUE (aggregate, version)
);

CREATE TABLE minos.snapshot (
    name       text        NOT NULL,
    aggregate  uuid        NOT NULL,
    version    integer     NOT NULL,
    schema     integer     NOT NULL, -- of data
    data       jsonb, -- null: deleted
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (name, aggregate)
) WITH (fillfactor = 80);

CREATE TABLE minos.message (
    seq      bigint  PRIMARY KEY DEFAULT nextval('minos.seq'),
    id       uuid    NOT NULL,
    topic    text    NOT NULL,
    key      text    NOT NULL,
    reply_to text    NOT NULL,
    status   integer NOT NULL,
    content  json,
    headers  json
);

CREATE TABLE minos.receipt (
    message    uuid        NOT NULL,
    topic      text        NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message, topic)
);
CREATE INDEX receipt_settled ON minos.receipt (settled_at);

CREATE TABLE minos.saga (
    id         uuid    PRIMARY KEY,
    definition text    NOT NULL,
    revision   integer NOT NULL,
    status     text    NOT NULL,
    deadline   timestamptz,
    data       json
) WITH (fillfactor = 80);
CREATE INDEX saga_deadline ON minos.saga (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE minos.saga_log (
    saga     uuid        NOT NULL,
    revision integer     NOT NULL,
    place    integer     NOT NULL,
    at       timestamptz NOT NULL,
    data     json        NOT NULL,
    PRIMARY KEY (saga, revision, place)
);

-- Whose personal data is sealed, and by which key (package privacy).
CREATE TABLE minos.subject_key (
    subject text PRIMARY KEY,
    wrapped bytea -- null: forgotten, for ever
);

CREATE TABLE minos.cursor (
    name     text   PRIMARY KEY,
    epoch    bigint NOT NULL, -- of the lease that may move it
    position bigint NOT NULL
);

-- refuse ends a commit whose aggregate or saga is not at the version that it
-- builds on. The program knows the state by MN409; DETAIL has the culprit, the
-- version that it is at, and the last number of the global order.
CREATE FUNCTION minos.refuse(id uuid, version integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'version conflict' USING ERRCODE = 'MN409',
        DETAIL = id::text || ' ' || version || ' ' || pg_sequence_last_value('minos.seq');
END
$$;
