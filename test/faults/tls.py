"""A TLS server that answers nothing: tls.py CERTIFICATE KEY URL_FILE"""

import os
import socket
import ssl
import sys

certificate, key, url_file = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", 0))
with open(url_file + ".new", "w", encoding="utf-8") as out:
    out.write("https://127.0.0.1:%d" % listener.getsockname()[1])
os.rename(url_file + ".new", url_file)
while True:
    connection, _ = listener.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()
