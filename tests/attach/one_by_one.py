"""A server of one thread that polls to accept and then serves one client at a time, as socketserver does."""

import socketserver
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


if __name__ == "__main__":
    socketserver.TCPServer.allow_reuse_address = True
    socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
