-- Topics, pubsub and content topics alike, by number. They are never removed, so that a number
-- stays what it is. Bytes, since a text can't hold every character that a topic may have.
CREATE TABLE topics (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL UNIQUE
);

-- The messages in the order (timestamp, hash). `xid` is the transaction that inserted a row: by it
-- other nodes find what is new to them.
CREATE TABLE messages (
    timestamp bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    pubsub_topic integer NOT NULL,
    content_topic integer NOT NULL,
    message_bytes integer NOT NULL,
    has_timestamp boolean NOT NULL,
    ephemeral boolean,
    version bigint,
    hash bytea NOT NULL,
    meta bytea,
    rate_limit_proof bytea,
    unknown bytea,
    payload bytea NOT NULL,
    -- What scans ask for lies in the index, apart from the payloads.
    PRIMARY KEY (timestamp, hash) INCLUDE (pubsub_topic, content_topic, message_bytes)
) PARTITION BY RANGE (timestamp, hash);

-- Payloads are ciphertexts as a rule: compressing them costs time and yields nothing.
ALTER TABLE messages ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX messages_hash ON messages (hash);
CREATE INDEX messages_xid ON messages (xid);

-- The partitions: unit 7 is the table messages_7. Together they hold every position. The lower bound
-- is included, the upper one isn't; the last one's is a hash of 33 bytes, past every other. Bounds of
-- a number never change.
CREATE SEQUENCE unit_numbers AS integer;
CREATE TABLE units (
    number integer PRIMARY KEY DEFAULT nextval('unit_numbers'),
    lower_timestamp bigint NOT NULL,
    lower_hash bytea NOT NULL,
    upper_timestamp bigint NOT NULL,
    upper_hash bytea NOT NULL,
    messages bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO units (lower_timestamp, lower_hash, upper_timestamp, upper_hash)
    VALUES (0, decode(repeat('00', 32), 'hex'), 9223372036854775807, decode(repeat('ff', 33), 'hex'));
CREATE TABLE messages_1 PARTITION OF messages
    FOR VALUES FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE);

-- Spans that messages were removed from, for other nodes; old ones are forgotten.
CREATE TABLE removals (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    removed_at timestamptz NOT NULL DEFAULT now(),
    lower_timestamp bigint NOT NULL,
    lower_hash bytea NOT NULL,
    upper_timestamp bigint NOT NULL,
    upper_hash bytea NOT NULL
);
CREATE INDEX removals_xid ON removals (xid);

-- Emptied by the server's recovery from a crash, after which numbers of transactions may come again:
-- what another node remembers by them isn't good any more then.
CREATE UNLOGGED TABLE incarnation (id uuid NOT NULL);

-- Named values beside the messages, common to all nodes.
CREATE TABLE states (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);
