-- What is set for the whole house on the page. A setting without a row is at its
-- default, which may be another one in a later version.
CREATE TABLE house (
	setting TEXT PRIMARY KEY,
	value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
