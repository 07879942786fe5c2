"""Requests of a page that wait until they are let go."""

from __future__ import annotations

from playwright.sync_api import Page, Route


class Held:
    """Holds requests of a page, those to addresses like `pattern`."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._page = page
        self._waiting: list[Route] = []
        self._open = False
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._open:
            route.continue_()
        else:
            self._waiting.append(route)

    def wait(self) -> None:
        """Wait until one is held."""
        while not self._waiting:
            self._page.wait_for_timeout(10)

    def let_go(self) -> None:
        """Let those that are held, and all that come, go on."""
        self._open = True
        for each in self._waiting:
            each.continue_()
