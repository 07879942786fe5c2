"""What stands between the console's pages and whoever asks for them; none of it knows a page.

Outermost first: `proxies` (whose word on the address counts), `headers` (what a browser may do with an answer),
`origins` (by which name, and from whose page, it is asked), `bodies` (how much is read), `gate` (who it is, and what
that person may do).
"""
