"""Measurements beside pg_dump and pg_restore: `make bench`, or `python -m benchmarks --help`.

rows.py      the table: each row's work, peer, and what it must and should be
s3.py, playbooks.py, works.py
             what is measured: ours and the peers', each with its reset before and its check after
data.py      the databases that are backed up and restored
place.py     where all of that lives, kept between runs
measuring.py one process from start to end: time, processor time, memory
results.py   the figures of a run, as JSON and as a table
chart.py     the chart, and the README's section
profiling.py where the time of a row goes
"""
