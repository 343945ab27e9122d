-- For pgbench: what Store.Commit sends for a new aggregate, an event and the
-- state after it, with both contents as parameters:
--
--   pgbench -n -M prepared -c 16 -j 2 -T 10 -f append.sql \
--     -D data='[{"name":"title","value":"..."}]' -D state='{"title":"..."}' URL
--
-- Only the id is made here, from the clock and a random number.
\set random random(0, 9223372036854775806)
WITH given AS MATERIALIZED (
    SELECT ARRAY[(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000000)::bigint), 16, '0')
        || lpad(to_hex(:random::bigint), 16, '0'))::uuid] AS id
), part1 AS MATERIALIZED (
    INSERT INTO minos.snapshot (name, aggregate, version, schema, data, created_at, updated_at)
    SELECT i.* FROM given, unnest(ARRAY['Order'], given.id, ARRAY[1], ARRAY[1], ARRAY[:state::jsonb], ARRAY[now()], ARRAY[now()])
        AS i RETURNING 1
), fence AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(1835626095, (pg_sequence_last_value('minos.seq') & 2147483647)::int)
    WHERE (SELECT count(*) FROM part1) >= 0
), part5 AS MATERIALIZED (
    INSERT INTO minos.event (aggregate, version, name, action, schema, data, headers, created_at)
    SELECT i.* FROM fence, given, unnest(given.id, ARRAY[1], ARRAY['Order'], ARRAY['create'], ARRAY[1],
        ARRAY[:data::json], ARRAY[NULL::json], ARRAY[now()]) AS i RETURNING 1
)
SELECT 1;
