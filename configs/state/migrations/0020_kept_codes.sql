-- Where the operator wants codes to be kept: the keys of the code that a peer got
-- last, sealed with the key in the file vault.key for the public key in it.
CREATE TABLE kept_codes (
	peer_id    INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	public_key BLOB    NOT NULL CHECK (length(public_key) = 32),
	sealed     BLOB    NOT NULL
) STRICT;
