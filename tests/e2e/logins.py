"""Who may log in at the front: only an account with its password, before any body is read; a removed account is out with the reload."""
import base64
import http.client
import os
import socket
import ssl

import sites
from sites import check, codes, same, until


def speak(a, data, seconds=10):
    """What the front answers to raw bytes, until it closes or falls silent."""
    got = b""
    with socket.create_connection(("localhost", a.front), timeout=seconds) as raw, a.context().wrap_socket(raw, server_hostname="localhost") as s:
        s.sendall(data)
        try:
            while chunk := s.recv(65536):
                got += chunk
                if got.startswith(b"HTTP/1.1 401") and b"\r\n\r\n" in got:
                    break
        except TimeoutError:
            pass
    return got


def spent(a):
    """Seconds of a processor that the workers have taken who hash passwords."""
    words = [open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split() for pid in a.children("@login-worker")]
    return sum(int(w[11]) + int(w[12]) for w in words) / os.sysconf("SC_CLK_TCK")


with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    body = sites.request(["anna@a.example"])
    same(a.http(body)[0], 200, "the right password")
    for user, password in (("anna", "wrong"), ("nobody", a.password), ("", ""), ("anna", ""), ("anna", a.password + " "), ("anna", a.password[:-1])):
        status, headers, text = a.http(body, user=user, password=password)
        same(status, 401, f"{user!r} with another password")
        check("Basic" in headers.get("WWW-Authenticate", ""), "and the scheme that would do")
    for user, why in (("anna", "the password is wrong"), ("nobody", "no account is meant by this name")):
        until(lambda: any(f'account={user} scheme=Basic why="{why}"' in line for line in a.lines("login-failed")), f"the log names the step: {why}")
    status, headers, text = a.http(body, user=None)
    same(status, 401, "no login")
    for header in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"anna").decode(), "Bearer abc", "Basic " + "A" * 9000):
        status, headers, text = a.http(body, user=None, headers={"Authorization": header})
        check(status in (400, 401, 431), f"{header[:20]}: {status}")
    same(a.http(body)[0], 200, "and still the right one")

    # The answer comes before the body: a stranger cannot make the front read megabytes.
    head = b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 400000\r\n\r\n"
    check(speak(a, head).startswith(b"HTTP/1.1 401"), "401 with no byte of the body sent")
    expect = head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    check(speak(a, expect).startswith(b"HTTP/1.1 401"), "401 and no 100 Continue")

    # A verified login is remembered: five more are far cheaper than a hash, and a wrong password is not remembered as right.
    a.http(body)
    before = spent(a)
    for _ in range(5):
        a.http(body)
    remembered = spent(a) - before
    same(a.http(body, password="wrong")[0], 401, "a wrong one is still wrong")
    check(remembered < spent(a) - before - remembered, f"five more logins cost {remembered:.2f} s of those who hash, and one that is hashed {spent(a) - before - remembered:.2f} s")

    # What is remembered ends with the reload, on a connection that was kept too; and so does an account.
    def keep(password):
        """A connection that has logged in, and a question to ask on it again: a status, or None when it was closed."""
        c = http.client.HTTPSConnection("localhost", a.front, context=a.context(), timeout=10)
        head = {"Authorization": "Basic " + base64.b64encode(f"anna:{password}".encode()).decode()}

        def ask():
            try:
                c.request("POST", "/EWS/Exchange.asmx", body=body, headers=head)
                r = c.getresponse()
                r.read()
                return r.status
            except (ConnectionError, http.client.HTTPException, ssl.SSLError):
                return None
        c.connect()
        c.auto_open = 0  # one connection, not another in its place
        return ask

    old, kept = a.password, keep(a.password)
    same(kept(), 200, "a connection that is kept")
    a.password = "another"
    a.run("account", "remove", "anna")
    a.account("anna", "user:anna@a.example")
    a.run("reload")
    check(kept() in (None, 401), "the old password on a kept connection")
    same(a.http(body, password=old)[0], 401, "the old password")
    kept = keep(a.password)
    same(kept(), 200, "the new one")
    a.run("account", "remove", "anna")
    a.run("reload")
    same(a.http(body)[0], 401, "a removed account is out")
    check(kept() in (None, 401), "and on a kept connection")
    check(old not in a.log(), "no old password in the log")
    check(a.password not in a.log(), "no password in the log")
    check(sum("login" in line for line in a.log().splitlines()) > 0, "the log tells of failed logins")
sites.finish()
