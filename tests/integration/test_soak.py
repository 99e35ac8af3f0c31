"""A short run of the soak test; make soak runs the long one."""
import os
import random
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "soak"))
import soak  # noqa: E402
from service import program  # noqa: E402

SECONDS = int(os.environ.get("SOAK_SECONDS", "20"))


@pytest.mark.parametrize("source", ["postgres", "mysql", "pgq"])
def test_source_and_targets_are_equal_after_kills_restarts_and_cut_connections(source, tell):
    seed = int(os.environ.get("DRAY_TEST_SEED") or random.SystemRandom().randrange(10 ** 9))
    print(f"DRAY_TEST_SEED={seed}")
    tell(soak.soak(program(), SECONDS, source, ["postgres", "mysql", "sqlite"], seed))
