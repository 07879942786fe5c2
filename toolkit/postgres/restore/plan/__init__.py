"""What a restore will do to every row, worked out before anything is written."""
