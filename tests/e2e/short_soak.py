"""tests/soak.py in its short form: the same things, less often."""
import os
import pathlib
import sys

os.environ.setdefault("SECONDS_TO_RUN", "15")
os.environ.setdefault("EVERY", "5")
os.environ.setdefault("ROTATIONS", "3")
os.environ.setdefault("AGAIN", "60")  # a test that shares its machine asserts no time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import soak  # noqa: E402

soak.main()
