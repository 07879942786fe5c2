"""The console, as a process, in a real browser."""
