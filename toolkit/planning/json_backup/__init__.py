"""JSON backups of the application itself: read piece by piece, without any I/O."""
