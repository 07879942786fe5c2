"""The backup on stage: as it was stored, or as it has to be for this target, this device and these businesses."""
