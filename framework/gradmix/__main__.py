"""``python -m gradmix`` is the command ``gradmix``."""

import sys

from gradmix.cli.main import main

sys.exit(main())
