"""``python -m transliconet``: the console script, for where it is not on the path."""

from transliconet.cli.app import main

raise SystemExit(main())
