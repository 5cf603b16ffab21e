"""`make demo FORESTS=1 ONCE=1`: site A's people come from Cyrus and site B's from files, with groups from two directories, and every answer is the expected one."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ended = subprocess.run([ROOT / "scripts/demo.sh"], env={**os.environ, "FORESTS": "1", "ONCE": "1", "DEMO": str(ROOT / "build/forests/demo")})
print(f"demo: {int(ended.returncode == 0)} passed, {int(ended.returncode != 0)} failed")
sys.exit(ended.returncode)
