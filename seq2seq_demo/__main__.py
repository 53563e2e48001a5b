"""`python -m seq2seq_demo` is `seq2seq-demo`."""

import sys

from seq2seq_demo.cli import main

sys.exit(main())
