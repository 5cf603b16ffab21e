"""Another folder of calendars in the place of the one that is open, by turning a link or by renaming, is taken into use by itself: what was free there may be busy here.
Another folder of settings, by turning a link, is read by the next reload, as it is by verbs."""
import shutil
import signal

import sites
from sites import codes, same, until

NINE, TEN = ("20260302T090000Z", "20260302T100000Z"), ("20260302T100000Z", "20260302T110000Z")


def folder(site, name, busy):
    """A folder of calendars in which bob is busy then, made whole before anything leads to it."""
    real, site.calendars = site.calendars, site.dir / name
    site.calendars.mkdir()
    site.calendar("bob", busy)
    made, site.calendars = site.calendars, real
    return made


def starts(a):
    """When bob is busy, as an answer says it; None if there is none at the moment (a link is made anew with the reload)."""
    found, = a.ask("bob@b.example")
    return [e["start"][11:16] for e in found["events"]] if found["code"] == "NoError" else None


with sites.pair(start=False) as (a, b):
    first, second, third = folder(b, "first", NINE), folder(b, "second", TEN), folder(b, "third", NINE)
    link = b.dir / "now"
    link.symlink_to(first)
    b.set("calendars", str(link))
    for site in (a, b):
        site.start()
    for site in (a, b):
        site.up()
    until(lambda: starts(a) == ["09:00"], "the folder that the link leads to")

    fresh = b.dir / "fresh"
    fresh.symlink_to(second)
    fresh.rename(link)
    until(lambda: starts(a) == ["10:00"], "the link was turned")
    same(len(b.lines("folder-changed")), 1, "it is said once")

    second.rename(b.dir / "away")
    third.rename(second)
    until(lambda: starts(a) == ["09:00"], "another folder has its name now")

    good = b.config.read_text()
    b.config.write_text(good + "\nno_such_setting = 1;\n")
    second.rename(b.dir / "away-too")
    (b.dir / "away").rename(second)
    until(lambda: b.lines("reload-failed"), "a reload that cannot be")
    b.config.write_text(good)
    b.run("reload")
    until(lambda: starts(a) == ["10:00"], "and one that can")

    b.stop()
    settings, later = b.dir.parent / "settings", b.dir.parent / "later"
    settings.symlink_to(b.dir)
    b.config = settings / "availbridge.conf"
    b.start()
    until(lambda: starts(a) == ["10:00"], "settings that a link leads to")
    shutil.copytree(b.dir, later, ignore=shutil.ignore_patterns("*.sock"))
    fresh.symlink_to(later)
    fresh.rename(settings)
    b.rule("site-a", "in", "*", "bob@b.example", "None", "--position", "1")
    b.process.send_signal(signal.SIGHUP)
    until(lambda: codes(a.ask("bob@b.example")) == ["ErrorNoFreeBusyAccess"], "the link was turned")
    until(lambda: b.is_up(links=False), "and verbs reach the daemon there")
    b.run("audit", "verify")
sites.finish()
