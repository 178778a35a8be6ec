# Calls a handler as the runtimes for Python do: with an event in bytes, and an answer that may name a status.
import http.server
import importlib
import json
import os
import sys
import traceback
import types

sys.path.insert(0, os.environ["FC_FUNC_CODE_PATH"])
module, name = os.environ["FC_FUNCTION_HANDLER"].rsplit(".", 1)
handler = getattr(importlib.import_module(module.replace("/", ".")), name)


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = self.rfile.read(int(self.headers.get("content-length") or 0))
        context = types.SimpleNamespace(request_id=self.headers.get("x-fc-request-id"))
        try:
            result, status = handler(event, context), 200
        except Exception as error:
            kind, status = type(error).__name__, 502
            result = {"errorMessage": str(error), "errorType": kind, "stackTrace": traceback.format_exc().split("\n")}
        plain = result if isinstance(result, bytes) else (result if isinstance(result, str) else json.dumps(result)).encode()
        self.send_response(status)
        if status == 502:
            self.send_header("x-handler-failed", "yes")
        self.send_header("content-length", str(len(plain)))
        self.end_headers()
        self.wfile.write(plain)

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["FC_SERVER_PORT"])), Server).serve_forever()
