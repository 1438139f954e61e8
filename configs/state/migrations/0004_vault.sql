-- What the appliance must keep and nobody may read, sealed with the key in the
-- file vault.key.
CREATE TABLE vault (
	name   TEXT PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT;
