"""``python -m prism_cli`` is ``prism``."""

from prism_cli.main import main

main()
