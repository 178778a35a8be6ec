-- What the edge elsewhere wants to find in the DNS before it serves a domain: the value of a TXT record.
ALTER TABLE domains ADD COLUMN edge_proof TEXT;
