"""A KDC of MIT Kerberos, which is no Active Directory: principals and nothing else, everything in one folder."""
import os

from server import Server, free_ports


class MitKdc(Server):
    """The realm ${realm}; with ${pac} False its tickets have no PAC."""

    def __init__(self, realm, pac=True):
        super().__init__()
        self.realm = realm
        self.port, = free_ports(1)
        here, folder = f"127.0.0.1:{self.port}", self.folder
        self.krb5 = self.write("krb5.conf", f"""[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {realm} = {{
  kdc = {here}
 }}
[logging]
 kdc = STDERR
""")
        self.profile = self.write("kdc.conf", f"""[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  kdc_listen = {here}
  kdc_tcp_listen = {here}
  disable_pac = {'false' if pac else 'true'}
 }}
""")
        self.environment = {"KRB5_CONFIG": str(self.krb5), "KRB5_KDC_PROFILE": str(self.profile)}

    def start(self):
        self.run("/usr/sbin/kdb5_util", "create", "-s", "-P", "of-the-database", env=self.environment)
        self.spawn("/usr/sbin/krb5kdc", "-n", env=self.environment)
        self.until(lambda: "starting..." in self.log(), "the KDC listens")

    def keytab(self, principal):
        """Adds the principal with a random key, and its keytab."""
        path = self.folder / f"{principal.replace('/', '-')}.keytab"
        self.run("/usr/sbin/kadmin.local", "addprinc", "-randkey", principal, env=self.environment)
        self.run("/usr/sbin/kadmin.local", "ktadd", "-k", path, principal, env=self.environment)
        return path

    def log_in(self, principal):
        """What follows in this process is ${principal}, who is added."""
        keytab = self.keytab(principal)
        os.environ.update(self.environment, KRB5CCNAME=f"FILE:{self.folder}/tickets")
        self.run("kinit", "-k", "-t", keytab, principal, env=dict(os.environ))
