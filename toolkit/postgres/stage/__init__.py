"""The backup on stage: as it has to be for this target, this device and these businesses."""
