"""What a stranger has: link.proto, gRPC as Debian ships it, an identity made with openssl, and docs/link-protocol.md."""
import hashlib
import os
import importlib
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a refused key is what some tests want: no word of it
import grpc  # noqa: E402
from grpc_tools import protoc  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVICE = "availbridge.link.v1.Availability"


def stubs():
    """The modules link_pb2 and link_pb2_grpc, made from the contract itself."""
    proto = ROOT / "bridge/link"
    with tempfile.TemporaryDirectory(prefix="link-stubs-") as folder:
        if protoc.main(["protoc", f"-I{proto}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(proto / "link.proto")]) != 0:
            raise SystemExit("protoc does not take bridge/link/link.proto")
        sys.path.insert(0, folder)
        found = importlib.import_module("link_pb2"), importlib.import_module("link_pb2_grpc")
        sys.path.remove(folder)
    return found


class Identity:
    """A P-256 key and a self-signed certificate whose name nobody looks at."""

    def __init__(self, cert, key, name):
        self.cert_path, self.key_path, self.name = str(cert), str(key), name
        self.cert, self.key = pathlib.Path(cert).read_bytes(), pathlib.Path(key).read_bytes()

    @classmethod
    def make(cls, folder, name):
        cert, key = pathlib.Path(folder) / f"{name}.pem", pathlib.Path(folder) / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "365", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
        return cls(cert, key, name)

    def pin(self):
        spki = subprocess.run(["openssl", "x509", "-in", self.cert_path, "-noout", "-pubkey"], check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=spki, check=True, capture_output=True).stdout
        return "sha256:" + hashlib.sha256(der).hexdigest()


def name_in(cert_path):
    """The name that a bridge's identity certificate carries: gRPC libraries insist on comparing one."""
    text = subprocess.run(["openssl", "x509", "-in", cert_path, "-noout", "-subject", "-nameopt", "multiline"], check=True, capture_output=True, text=True)
    return next(line.split("=", 1)[1].strip() for line in text.stdout.splitlines() if "commonName" in line)


def channel(endpoint, identity, peer_cert):
    """A connection to the bridge at ENDPOINT whose identity certificate is PEER_CERT (a file): it is its own trust anchor."""
    root = pathlib.Path(peer_cert).read_bytes()
    credentials = grpc.ssl_channel_credentials(root, identity.key, identity.cert)
    return grpc.secure_channel(endpoint, credentials, [("grpc.ssl_target_name_override", name_in(peer_cert)), ("grpc.use_local_subchannel_pool", 1)])
