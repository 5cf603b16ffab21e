"""Holds every EWS answer that the unit tests write against the published schema, where that folder exists beside the repository.

usage: answers.py [PROGRAM...]    each PROGRAM is a unit test that leaves NAME.xml files in the folder named by its argument
"""
import pathlib
import subprocess
import sys
import tempfile

SCHEMA = pathlib.Path("../shared/ews-schema/soap11-strict.xsd")
PROGRAMS = [f"build/release/unit/test_ews_{what}" for what in ("answers", "others", "zones", "suggestions")]


def invalid(files):
    """How many of the files the schema refuses."""
    check = subprocess.run(["xmllint", "--noout", "--schema", str(SCHEMA), *map(str, files)], capture_output=True, text=True)
    bad = sum(f"{file} validates" not in check.stderr for file in files)
    if bad:
        print("\n".join(line for line in check.stderr.splitlines() if not line.endswith(" validates")))
    return bad


def main():
    if not SCHEMA.exists():
        print(f"schema: 0 passed, 0 failed (skipped: there is no {SCHEMA})")
        return 0
    passed, failed = 0, 0
    for program in sys.argv[1:] or PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program, folder], stdout=subprocess.DEVNULL)
            files = sorted(pathlib.Path(folder).glob("*.xml"))
            bad = invalid(files) if files else 1
            passed += max(len(files) - bad, 0)
            failed += bad
    print(f"schema: {passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
