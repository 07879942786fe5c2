"""How every host stands, in one look: newest backups, proofs, coming runs, and what to do where something is wrong."""
