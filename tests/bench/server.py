"""A loopback server of JPEG-like files, in a process of its own so that its work is not counted."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

SIZE = 80_000


class Pictures(BaseHTTPRequestHandler):
    """GET /N.jpg gives 80,000 bytes that are different for each N."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 17

    def do_GET(self) -> None:
        number = int(self.path.strip("/").split(".")[0])
        body = b"\xff\xd8\xff\xe0" + Random(number).randbytes(SIZE - 4)
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    print(server.server_address[1], flush=True)
    sys.stdin.close()
    server.serve_forever()
