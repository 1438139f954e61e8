-- The ledger: what each config said that was handed out last, by the public key
-- in it. Nothing secret is in it.
CREATE TABLE issued_configs (
	public_key  BLOB    PRIMARY KEY CHECK (length(public_key) = 32),
	peer_id     INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
	said        TEXT    NOT NULL,
	issued_unix INTEGER NOT NULL
) STRICT;
CREATE INDEX issued_configs_by_peer ON issued_configs (peer_id);
