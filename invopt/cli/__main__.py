"""`python -m invopt.cli`: the same as the command `invopt`."""

from invopt.cli import main

raise SystemExit(main())
