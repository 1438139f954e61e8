-- What of a peer's config its owner wrote instead of what its profile gives: networks
-- and DNS servers, with commas between them. Empty: as the profile has it.
ALTER TABLE peers ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '';
ALTER TABLE peers ADD COLUMN resolvers TEXT NOT NULL DEFAULT '';
