-- From here on the table of topics holds a bounded number of short names. Whatever else comes is
-- written in its row, and goes with it: a peer that has a new topic for each message fills nothing
-- that stays. The row has a negative number then, made of the name's digest.

-- Every message may have to be written anew. How long a statement may take is settled when it begins, so
-- this is no part of the block below.
SET LOCAL statement_timeout = 0;

ALTER TABLE messages ADD COLUMN pubsub_name bytea, ADD COLUMN content_name bytea;

-- What is beyond the bound moves into the rows.
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
    SELECT number AS old, name,
        ('x' || encode(substr(sha256(name), 1, 4), 'hex'))::bit(32)::int | (-2147483648)::int AS new
    FROM topics WHERE number > 4096 OR length(name) > 128;
DO $$
BEGIN
    IF EXISTS (SELECT FROM moved) THEN
        SET LOCAL enable_seqscan = on;
        UPDATE messages SET pubsub_topic = new, pubsub_name = name
            FROM moved WHERE pubsub_topic = old;
        UPDATE messages SET content_topic = new, content_name = name
            FROM moved WHERE content_topic = old;
        DELETE FROM topics USING moved WHERE number = old;
    END IF;
END
$$;
