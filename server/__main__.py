"""`python -m server`: the same as `kontor`."""

import sys

from server.cli.parser import main

sys.exit(main())
