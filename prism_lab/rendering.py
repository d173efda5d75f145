"""Pages of Voila that end: what fails outside a cell is said on the page, which would load for ever otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import voila.handler
from voila.notebook_renderer import NotebookRenderer

__all__ = ["Renderer", "answer_in_any_case"]


class Renderer(NotebookRenderer):  # type: ignore[misc]
    """Renders a notebook; where its kernel does not start, the page says what it says of a cell that fails."""

    async def generate_content_generator(
        self, kernel_id: str | None = None, kernel_future: Any = None
    ) -> AsyncIterator[tuple[str, Any]]:
        """Give the page part by part."""
        try:
            async for part in super().generate_content_generator(kernel_id, kernel_future):
                yield part
        except Exception:
            self.log.exception("The page of %s could not be made.", self.notebook_path)
            sentence = json.dumps(str(self.traitlet_config.VoilaExecutor.cell_error_instruction)).replace("</", "<\\/")
            yield f"<script>prismFailed({sentence});</script></body></html>", self.resources


def answer_in_any_case() -> None:
    """Let pages that are made from now on be rendered like that; those of the pool tell Voila themselves."""
    voila.handler.NotebookRenderer = Renderer
