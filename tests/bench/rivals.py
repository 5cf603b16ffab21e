"""What else could stand between two organisations: a pair of reverse proxies over mutual TLS, which read nothing. nginx and haproxy, each with
connections that are kept on every hop, one worker, TLS 1.3 and P-256; and the nginx that plays the backend behind them."""
import contextlib
import pathlib
import signal
import socket
import subprocess

import measure
from sites import free_ports, until

NGINX = """
daemon off; master_process off; worker_processes 1; error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
	access_log off; tcp_nodelay on; keepalive_requests 10000000; keepalive_timeout 600s; ssl_protocols TLSv1.3; default_type "text/xml; charset=utf-8";
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
	client_body_buffer_size 64k; proxy_buffers 64 8k; proxy_busy_buffers_size 256k;  # nothing is written to a file on its way
	{inside}
}}
"""
PROXY = """
	upstream next {{ server 127.0.0.1:{to}; keepalive 64; keepalive_requests 10000000; }}
	server {{
		listen 127.0.0.1:{port} ssl; ssl_certificate {certs}/{me}.pem; ssl_certificate_key {certs}/{me}.key; {strangers}
		location / {{
			proxy_pass https://next; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_ssl_protocols TLSv1.3; proxy_ssl_name {other}.bench.test; proxy_ssl_verify on; proxy_ssl_trusted_certificate {certs}/ca.pem;
			proxy_ssl_certificate {certs}/{me}.pem; proxy_ssl_certificate_key {certs}/{me}.key;
		}}
	}}
"""
# A file is only ever got: the refusal of a POST is turned into the file. How many were asked about is read off the request's length.
BACKEND = """
	map $content_length $boxes {{ {lengths} }}
	output_buffers 2 256k; open_file_cache max=200;
	server {{
		listen 127.0.0.1:{port} ssl; ssl_certificate {certs}/backend.pem; ssl_certificate_key {certs}/backend.key; root {root};
		location = /EWS/Exchange.asmx {{ error_page 405 =200 /answer-$boxes.xml; return 405; }}
	}}
"""
HAPROXY = """
global
	nbthread 1
	maxconn 2000
defaults
	mode http
	http-reuse always
	timeout connect 5s
	timeout client 600s
	timeout server 600s
frontend here
	bind 127.0.0.1:{port} ssl crt {certs}/{me}.both ssl-min-ver TLSv1.3 {strangers}
	default_backend there
backend there
	server next 127.0.0.1:{to} ssl crt {certs}/{me}.both ca-file {certs}/ca.pem verify required verifyhost {other}.bench.test sni str({other}.bench.test)
"""


def certificates(folder):
    """A CA and a certificate with its key for each of a, b and backend."""
    folder.mkdir(parents=True)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    openssl("req", "-x509", *new, "/CN=bench CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("a", "b", "backend"):
        (folder / "ext").write_text(f"subjectAltName=DNS:{name}.bench.test,DNS:localhost\n")
        openssl("req", *new, f"/CN={name}.bench.test", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext",
                "-out", f"{name}.pem")
        (folder / f"{name}.both").write_bytes((folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes())
    return folder


def listens(at):
    """At a port of this machine, or at a path."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET) as s:
        s.connect(at if isinstance(at, str) else ("127.0.0.1", at))
        return True
    return False


class Servers:
    """Processes that were started for the benchmark, and end with it."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        self.certs = certificates(folder / "certs")

    def start(self, name, at, processors, *words):
        log = open(self.folder / f"{name}.out", "ab")
        p = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, preexec_fn=measure.on(processors))
        self.started.append(p)
        until(lambda: p.poll() is not None or listens(at), f"{name} listens")
        if p.poll() is not None:
            raise RuntimeError(f"{name} ended: {pathlib.Path(log.name).read_text()[-2000:]}")
        return p.pid

    def nginx(self, name, port, inside, processors=measure.SERVERS):
        here = self.folder / name
        here.mkdir()
        (here / "nginx.conf").write_text(NGINX.format(dir=here, inside=inside))
        return self.start(name, port, processors, "nginx", "-p", str(here), "-c", str(here / "nginx.conf"))

    def backend(self, root, lengths, port=None):
        """Answers with ${root}/answer-N.xml, where a request of lengths[N] bytes asks about N mailboxes."""
        port = port or free_ports(1)[0]
        rows = " ".join(f"{length} {boxes};" for boxes, length in lengths.items())
        self.nginx(f"backend-{port}", port, BACKEND.format(port=port, certs=self.certs, root=root, lengths=rows), measure.LOAD)
        return port

    def nginx_pair(self, backend):
        a, b = free_ports(2)
        known = f"ssl_verify_client on; ssl_client_certificate {self.certs}/ca.pem;"
        pids = [self.nginx("nginx-b", b, PROXY.format(port=b, to=backend, me="b", other="backend", certs=self.certs, strangers=known)),
                self.nginx("nginx-a", a, PROXY.format(port=a, to=b, me="a", other="b", certs=self.certs, strangers=""))]
        return a, pids

    def haproxy_pair(self, backend):
        a, b = free_ports(2)
        pids = []
        for me, port, to, other, strangers in (("b", b, backend, "backend", f"ca-file {self.certs}/ca.pem verify required"), ("a", a, b, "b", "")):
            conf = self.folder / f"haproxy-{me}.cfg"
            conf.write_text(HAPROXY.format(port=port, to=to, me=me, other=other, certs=self.certs, strangers=strangers))
            pids.append(self.start(f"haproxy-{me}", port, measure.SERVERS, "haproxy", "-db", "-f", str(conf)))
        return a, pids

    def bare_pair(self, root, lengths, backend=None):
        """What two sites cost that read nothing: with a worker's process before ${backend}, if it is given (bare.c). Answers as in ${root}."""
        program, certs, worker = str(measure.ROOT / "build/bench/bare"), str(self.certs), []
        back, front = free_ports(2)
        pids = []
        if backend:
            worker = [str(self.folder / "worker")]
            pids.append(self.start("bare-worker", worker[0], measure.SERVERS, program, "worker", *worker, certs, str(backend), *(f"{n}:{k}" for n, k in lengths.items())))
        pids.append(self.start("bare-back", back, measure.SERVERS, program, "back", str(back), certs, *worker))
        texts = [f"{boxes}:{length}:{root}/answer-{boxes}.xml" for boxes, length in lengths.items()]
        pids.append(self.start("bare-front", front, measure.SERVERS, program, "front", str(front), certs, str(back), *texts))
        return front, pids

    def close(self):
        for p in self.started:
            p.send_signal(signal.SIGTERM)
        for p in self.started:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
