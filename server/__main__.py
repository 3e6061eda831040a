"""`python -m server`: the same as `kontor`."""

import sys

from server.cli import main

sys.exit(main())
