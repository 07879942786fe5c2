"""The console: pages for people who will never write a playbook.

A page reads by what the commands call, in this process. It does nothing itself: a form becomes a playbook
(`composing.py`), which is shown and run by a process of its own (`beginning.py`), as `invoke run` of that file is.

To add a page: a file in `pages` with its `ROUTES`, its name in `pages/__init__.py`, its template in `templates`
(it extends `base.html`). A handler of GET is a plain function `(request) -> Response`; one of POST is made by
`forms.posted` from `(request, form) -> Response`, which sees the form only after its token was checked. `site_of`
gives what a page works with. `site.page` renders, `site.begin` runs a playbook and leads to its run. A page that is a
form of which a playbook is made, and little else, is a `deeds.Deed`: it follows what one fills in, and works without
scripts. Errors of the toolkit may be raised: they become a page with the message and what to do. No script or style
stands in a template, for the browser is told to run none (see `safety`); what moves is by attributes of htmx.
"""
