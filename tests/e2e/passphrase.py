"""A passphrase on the keys of the link: by file and by systemd credential, through a rotation, and each way in which it can be wrong."""
import os
import subprocess

import sites
from sites import PROGRAM, check, codes, same, until
from rotation import EVENT, WHO, identity, rotate

SECRET = "correct horse battery staple"


def write(path, text, mode=0o600):
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def refused(site, *words, env=None):
    r = subprocess.run([PROGRAM, "-c", str(site.config), *words], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
    check(r.returncode == 1, f"{' '.join(words)} fails: {r.returncode} {r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def opens(key, secret):
    """OpenSSL's own tool, with the passphrase on its standard input."""
    return subprocess.run(["openssl", "pkey", "-in", str(key), "-noout", "-passin", "stdin"], input=secret, capture_output=True, text=True).returncode == 0


def by_file(a, b):
    key, pin = a.dir / "identity.key", a.pin()
    check("name no passphrase" in refused(a, "identity", "encrypt"), "there must be one")
    a.set("key_passphrase_file", write(a.dir / "secret", SECRET + "\n"))
    said = a.run("identity", "encrypt")
    check("is now encrypted" in said and key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----"), f"encrypted: {said}")
    check("was already encrypted" in a.run("identity", "encrypt"), "again is harmless")
    check(opens(key, SECRET) and not opens(key, "another"), "OpenSSL opens it with that passphrase alone")
    same((a.pin(), key.stat().st_mode & 0o777), (pin, 0o600), "the pin and the rights stay")
    a.run("check")
    a.start()
    b.start()
    until(lambda: a.is_up() and b.is_up() and codes(a.ask(WHO)) == ["NoError"], "the link opens with it")
    rotate(a, b)
    a.run("identity", "next")
    check((a.dir / "identity-next.key").read_text().startswith("-----BEGIN ENCRYPTED"), "a key that is made is encrypted")
    until(lambda: identity(a)["taken"] == ["site-b"], "an encrypted next key signs its announcement")
    a.run("identity", "promote")
    a.run("identity", "retire")
    until(lambda: codes(a.ask(WHO)) == ["NoError"], "and opens the link")
    check(all(h["state"] == "ok" for h in doctor(a) if "certificate" in h["hop"] or "settings" in h["hop"]), f"doctor has it too: {doctor(a)}")
    for where in (a.log(), b.log(), a.config.read_text(), a.run("audit", "show", "--json")):
        check(SECRET not in where, "the passphrase stands nowhere")


def doctor(site):
    import json
    return json.loads(site.run("doctor", "--json", code=None))["hops"]


def wrong(a):
    """What is wrong is said, and the running generation goes on."""
    path, before = a.dir / "secret", a.run("status", "--json").count('"state":"running"')
    for change, words in ((lambda: path.write_text("another"), "its passphrase is another one"),
                          (lambda: write(path, SECRET, 0o640), "chmod 600"),
                          (lambda: write(path, ""), "one line"),
                          (lambda: write(path, SECRET + "\nmore\n"), "one line"),
                          (lambda: path.unlink(), "cannot be read"),
                          (lambda: a.set("key_passphrase_file", ""), "name no passphrase; set key_passphrase_file")):
        change()
        for verb in (("check",), ("reload",)):
            said = refused(a, *verb)
            check(words in said, f"{verb[0]}: {words}: {said}")
        check(words in refused(a, "identity", "next"), f"identity next: {words}")
        same(a.run("status", "--json").count('"state":"running"'), before, "the old generation runs on")
        write(path, SECRET)
    same(codes(a.ask(WHO)), ["NoError"], "and answers")
    if os.geteuid() == 0:
        os.chown(a.dir / "identity.key", 12345, -1)
        for verb in ("reload", "check"):
            check("belongs to neither root" in refused(a, verb), f"{verb}: a key of somebody else's is refused")
        os.chown(a.dir / "identity.key", 0, -1)


def by_credential(a):
    """As systemd hands it over: a folder named in the environment, files whose group bits are the mask of an access list."""
    folder = a.dir / "credentials"
    folder.mkdir(mode=0o700)
    write(folder / "key", SECRET, 0o440)
    a.set("key_passphrase_credential", "key")
    check("systemd gave none" in refused(a, "check"), "without systemd it says so")
    a.stop()
    os.environ["CREDENTIALS_DIRECTORY"] = str(folder)
    try:
        (a.dir / "identity.key").rename(folder / "identity.key")
        (folder / "identity.key").chmod(0o440)
        a.set("identity_key", str(folder / "identity.key"))
        a.run("check")
        a.start()
        until(lambda: a.is_up() and codes(a.ask(WHO)) == ["NoError"], "passphrase and key as credentials")
        a.stop()
        (folder / "identity.key").rename(a.dir / "identity.key")
        (a.dir / "identity.key").chmod(0o600)
        a.set("identity_key", "identity.key")
        check("is now not encrypted" in a.run("identity", "decrypt"), "decrypted")
    finally:
        del os.environ["CREDENTIALS_DIRECTORY"]
    a.set("key_passphrase_credential", "")
    a.run("check")
    a.start()
    until(lambda: a.is_up() and codes(a.ask(WHO)) == ["NoError"], "without a passphrase again")


with sites.pair(start=False) as (a, b):
    b.calendar("bob", EVENT)
    by_file(a, b)
    wrong(a)
    by_credential(a)
sites.finish()
