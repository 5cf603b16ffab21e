"""Holds every EWS answer that the unit tests write against the published schema, where that folder exists beside the repository.

usage: schema_check.py PROGRAM...     each PROGRAM is a unit test that leaves NAME.xml files in the folder named by its argument
"""
import pathlib
import subprocess
import sys
import tempfile

SCHEMA = pathlib.Path("../shared/ews-schema/soap11-strict.xsd")


def main():
    if not SCHEMA.exists():
        print(f"schema_check: skipped, there is no {SCHEMA}")
        return 0
    passed, failed = 0, 0
    for program in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program, folder], stdout=subprocess.DEVNULL, check=True)
            files = sorted(pathlib.Path(folder).glob("*.xml"))
            if not files:
                print(f"schema_check: {program} left no file")
                failed += 1
            for file in files:
                check = subprocess.run(["xmllint", "--noout", "--schema", str(SCHEMA), str(file)], capture_output=True, text=True)
                passed += check.returncode == 0
                failed += check.returncode != 0
                if check.returncode != 0:
                    print(check.stderr, file=sys.stderr)
    print(f"schema_check: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
