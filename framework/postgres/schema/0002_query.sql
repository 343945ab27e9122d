-- instant returns the microseconds since 1970 of a time as JSON has it, or null
-- for other texts. It is what package query takes for a time, and immutable,
-- which the server's own parser is not. It is in the indexes of users' tables:
-- never change it.
CREATE FUNCTION minos.instant(value text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    y integer; m integer; d integer; a integer;
    seconds bigint;
BEGIN
    IF value COLLATE "C" !~ ('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        || 'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$') THEN
        RETURN NULL;
    END IF;
    y := substr(value, 1, 4);
    m := substr(value, 6, 2);
    d := substr(value, 9, 2);
    IF d > 28 AND d > (CASE
        WHEN m IN (4, 6, 9, 11) THEN 30
        WHEN m <> 2 THEN 31
        WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29
        ELSE 28
    END) THEN
        RETURN NULL;
    END IF;
    a := (14 - m) / 12; -- the year begins in March, so that a leap day is its last
    y := y + 4800 - a;
    m := m + 12 * a - 3;
    seconds := (d + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 32045 - 2440588) * bigint '86400'
        + substr(value, 12, 2)::integer * 3600 + substr(value, 15, 2)::integer * 60 + substr(value, 18, 2)::integer;
    IF right(value, 1) <> 'Z' THEN
        a := left(right(value, 5), 2)::integer * 3600 + right(value, 2)::integer * 60;
        seconds := seconds - CASE left(right(value, 6), 1) WHEN '-' THEN -a ELSE a END;
    END IF;
    RETURN seconds * 1000000 + rpad(left(coalesce(substring(value FROM '[.]([0-9]+)'), ''), 6), 6, '0')::integer;
END
$$;

-- The order of creation of each name. It does not slow updates: created_at does
-- not change. updated_at and version do, so they are indexed on request only.
CREATE INDEX snapshot_created ON minos.snapshot (name, created_at, aggregate);
