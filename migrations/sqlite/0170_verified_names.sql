-- Who gives a name up asks whether somebody else has proven it since.
CREATE INDEX domains_verified ON domains (name) WHERE verified_at IS NOT NULL AND released_at IS NULL;
