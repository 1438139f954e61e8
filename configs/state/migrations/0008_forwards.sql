-- The ports that the owner wants sent to machines at home, besides the one by which
-- devices come home.
CREATE TABLE forwards (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	name         TEXT    NOT NULL,
	protocol     TEXT    NOT NULL CHECK (protocol IN ('TCP', 'UDP')),
	external     INTEGER NOT NULL CHECK (external BETWEEN 1 AND 65535),
	count        INTEGER NOT NULL CHECK (count >= 1 AND external + count <= 65536),
	machine      TEXT    NOT NULL,
	internal     INTEGER NOT NULL CHECK (internal BETWEEN 1 AND 65535),
	enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	created_unix INTEGER NOT NULL
) STRICT;
