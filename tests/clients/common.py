"""What the tests with heavy clients share: two sites and what everybody must be told about their people."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import sites  # noqa: E402
from sites import check, finish, pair, same, until  # noqa: E402,F401

WORK = pathlib.Path(os.environ.get("CLIENTS_WORK", sites.ROOT / "build/clients"))


def fill(a, b):
    """Bob every Wednesday at nine in Berlin: 08:00Z in winter, 07:00Z in summer; anna at A; a private hour of tess's; shy is hidden by a rule."""
    a.calendar("anna", ("20260114T110000Z", "20260114T113000Z"))
    b.calendar("bob", ("20260107T090000", "20260107T100000", {"RRULE": "FREQ=WEEKLY", "SUMMARY": "Weekly"}))
    b.calendar("tess", ("20260114T120000Z", "20260114T130000Z", {"X-MICROSOFT-CDO-BUSYSTATUS": "TENTATIVE", "CLASS": "PRIVATE", "SUMMARY": "Secret"}))
    b.calendar("shy", ("20260114T090000", "20260114T100000"))
    b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "shy@b.example", "--level", "None", "--position", "1")
