"""`python -m mydia`."""

from mydia.cli import main

raise SystemExit(main())
