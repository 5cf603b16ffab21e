"""Does a query cost more where there is more to look through? Two pairs of sites side by side, alike but for one thing."""
import contextlib
import sys

import bridged
import measure
import queries

PEOPLE = 200


def rules(count):
    """As an organisation might write them: somebody, some department, some of those who ask; the last one is for everybody."""
    kinds = ("* nobody.number{0}@b.example None", "stranger.number{0}@a.example * None", "* department{0}.b.example None", "* nobody.number{0}@b.example AvailabilityOnly")
    return [kinds[i % 4].format(i) for i in range(count - 1)] + ["* * AvailabilityOnly"]


def grow(spaces, n_rules):
    def prepare(*both):
        for site, other in (both, both[::-1]):
            with (site.dir / "address-spaces.conf").open("a") as f:
                f.writelines(f"d{i}.elsewhere.example {other.name}\n" for i in range(spaces))
            path = site.dir / "peers.d" / f"{other.name}.conf"
            kept = [line for line in path.read_text().splitlines() if not line.startswith("rule ")]
            path.write_text("\n".join(kept + [f"rule {way} {rule}" for way in ("in", "out") for rule in rules(n_rules)]) + "\n")
    return prepare


def one(name, prepare, stack):
    sys.argv[0] = f"bench-{name}.py"  # what the sites' folder is called after
    a, b = stack.enter_context(bridged.pair(prepare, PEOPLE))
    c = bridged.contestant(name, a, b, PEOPLE)
    queries.verify(c, 1)
    return c


def growth(plan):
    folder = plan.place("growth")
    body = queries.template(folder, 1)
    with contextlib.ExitStack() as stack:
        small = one("small", grow(10, 10), stack)
        for name, prepare in (("growth-spaces-100000", grow(100000, 10)), ("growth-rules-10000", grow(10, 10000))):
            with contextlib.ExitStack() as inner:
                large = one(name, prepare, inner)

                def run(c):
                    return c.run(body, 1, 16, plan.seconds)

                measure.in_turns([small, large], 1, run)
                seen = measure.in_turns([small, large], plan.rounds, run)
                plan.note(name, *measure.ratio([us for us, _ in seen[name]], [us for us, _ in seen["small"]]), "CPU of a query against 10 of them")
