"""
Who is in a test's directory: the same people, groups and traps in each forest, as LDIF for Active Directory and for OpenLDAP.

    anna      aliases of another case and of the other forest, in Board
    ben       in the middle of the loop LoopA > LoopB > LoopC > LoopA
    hanna     hidden                                  dieter    disabled
    room      disabled, as Exchange's rooms are       moved     her targetAddress lies in the other forest
    inner     a targetAddress in our own domain       twin      an address that two people have
    pat       a DN with every character that is special in DNs and filters
    ursula    a UPN that is not her address         iris      an account by the name of anna's alias, and another UPN
    many      in 1,100 groups                         Big       a group with 1,200 members, ben the last of them
    Board < Leads < AllStaff; Partners < PartnersAll with a contact for ben of the other forest; Empty
"""
import base64
import dataclasses

PASSWORD = "Corr3ct-horse"  # everybody's
SERVICE = "svc-availbridge"  # the account that looks up
HTTP_SERVICE = "svc-http"    # has the name HTTP/mail.DOMAIN
MANY, BIG = 1100, 1200       # a forest of Samba has a fourth of them: it follows chains slowly


@dataclasses.dataclass
class Person:
    name: str
    aliases: tuple = ()       # as they stand in proxyAddresses, without "smtp:"
    hidden: bool = False
    disabled: bool = False
    target: str = ""
    recipient_type: int = 0   # msExchRecipientTypeDetails
    cn: str = ""
    mail: bool = True
    upn: str = ""
    account: str = ""         # its name, if that is another


def people(domain, other):
    return [
        Person("anna", (f"Anna.Alias@{domain.upper()}", f"info@{domain}", f"anna.old@{other}")), Person("ben"), Person("hanna", hidden=True),
        Person("dieter", disabled=True), Person("room", disabled=True, recipient_type=16), Person("moved", target=f"SMTP:moved@{other}"),
        Person("inner", target=f"SMTP:inner.routing@{domain}"), Person("twin-one", (f"twin@{domain}",)), Person("twin-two", (f"twin@{domain}",)),
        Person("pat", cn='Pat (Star*), Mc\\Coy #1; "x" <y> = + é'), Person("many"), Person("ursula", upn=f"u-123@{domain}"), Person("iris", account="info"),
        Person(SERVICE, mail=False), Person(HTTP_SERVICE, mail=False),
    ]


def groups(other, many=MANY):
    """Name to members: people, groups, or contact addresses; a group that comes later may be named."""
    found = {
        "Board": ["anna"], "Leads": ["Board", "pat"], "AllStaff": ["Leads"], "LoopA": ["LoopB"], "LoopB": ["LoopC"], "LoopC": ["LoopA", "ben"],
        "Partners": [f"ben@{other}"], "PartnersAll": ["Partners"], "Empty": [],
        "Big": [f"filler{i:04}" for i in range(BIG - 1)] + ["ben"],
    }
    found.update({f"Many{i:04}": ["many"] for i in range(many)})
    return found


def dn_escape(value):
    """One attribute value inside a DN (RFC 4514)."""
    return "".join("\\" + c if c in ',+"\\<>;=#' else c for c in value)


def line(name, value):
    data = value if isinstance(value, bytes) else str(value).encode()
    plain = data and all(32 <= b < 127 for b in data) and data[0] not in b" :<" and data[-1:] != b" "
    return f"{name}: {data.decode()}" if plain else f"{name}:: {base64.b64encode(data).decode()}"


def entry(dn, *pairs):
    return "\n".join([line("dn", dn)] + [line(n, v) for n, v in pairs]) + "\n\n"


class Tree:
    """Names of the entries below ${base}: of those above, or of others in their place."""
    def __init__(self, domain, other, others=None, other_groups=None):
        self.domain, self.other = domain, other
        self.unicode = f"kim@bücher.{other}"  # a contact's address in Active Directory
        self.base = ",".join(f"DC={part}" for part in domain.split("."))
        self.people = others or people(domain, other)
        self.groups = other_groups or groups(other)

    def person(self, p):
        return f"CN={dn_escape(p.cn or p.name)},OU=Staff,{self.base}"

    def member(self, name):
        if name in self.groups:
            return self.group(name)
        if "@" in name:
            return f"CN={name.replace('@', ' at ')},OU=Contacts,{self.base}"
        known = {p.name: p for p in self.people}
        return self.person(known.get(name) or Person(name))

    def group(self, name):
        return f"CN={name},OU=Groups,{self.base}"

    def units(self):
        return "".join(entry(f"OU={u},{self.base}", ("objectClass", "organizationalUnit"), ("ou", u)) for u in ("Staff", "Contacts", "Groups"))

    def fillers(self):
        return [Person(n, mail=False) for n in self.groups.get("Big", []) if n.startswith("filler")]

    def addresses(self, p):
        if not p.mail:
            return []
        values = [("mail", f"{p.name}@{self.domain}"), ("proxyAddresses", f"SMTP:{p.name}@{self.domain}")]
        return values + [("proxyAddresses", f"smtp:{a}") for a in p.aliases]

    def exchange(self, p):
        pairs = [("msExchHideFromAddressLists", "TRUE")] if p.hidden else []
        pairs += [("targetAddress", p.target)] if p.target else []
        return pairs + ([("msExchRecipientTypeDetails", p.recipient_type)] if p.recipient_type else [])

    def contact(self, address):
        return [("displayName", address), ("mail", address), ("proxyAddresses", f"SMTP:{address}"), ("targetAddress", f"SMTP:{address}")]

    def contacts(self):
        return sorted({m for members in self.groups.values() for m in members if "@" in m})

    def memberships(self):
        """Members as changes, so that a group may name one that stands below it."""
        out = ""
        for name, members in self.groups.items():
            if members:
                out += "\n".join([line("dn", self.group(name)), "changetype: modify", "add: member"] +
                                 [line("member", self.member(m)) for m in members] + ["-", "", ""])
        return out
