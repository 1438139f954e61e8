-- Where the router gives listen_port to somebody else another UDP port is listened on,
-- too, and opened instead. 0: there is none.
ALTER TABLE identity ADD COLUMN other_port INTEGER NOT NULL DEFAULT 0 CHECK (other_port BETWEEN 0 AND 65535);
