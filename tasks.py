"""The commands of Playback, for invoke."""

from toolkit.app.program import collection

namespace = collection(__file__)
