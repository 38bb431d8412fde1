"""A mail server for tests: STARTTLS is required, and so is a password. Keeps every mail it takes in a folder.

    mail_server.py FOLDER CERTIFICATE KEY        prints its port, serves until stdin ends
    mail_server.py --show FOLDER                 prints the mails as a mail program reads them, as JSON
"""

import email
import email.policy
import json
import pathlib
import ssl
import sys


def show(folder):
    mails = []
    for path in sorted(pathlib.Path(folder).glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = lambda kind: mail.get_body(preferencelist=(kind,)).get_content().replace("\r\n", "\n")
        mails.append(
            {
                "headers": {name.lower(): str(value) for name, value in mail.items()},
                "kinds": [part.get_content_type() for part in mail.walk()],
                "text": part("plain"),
                "html": part("html"),
                "defects": [str(defect) for part in mail.walk() for defect in part.defects],
                "longest_line": max(len(line) for line in path.read_bytes().split(b"\r\n")),
            }
        )
    print(json.dumps(mails))


def serve(folder, certificate, key):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Handler:
        count = 0

        async def handle_DATA(self, server, session, envelope):
            self.count += 1
            name = f"{self.count:03}.eml"
            pathlib.Path(folder, name).write_bytes(envelope.original_content)
            return "250 taken"

    def authenticate(server, session, envelope, mechanism, data):
        good = data.login == b"rotakey" and data.password == b"canary-smtp-password"
        return AuthResult(success=good, handled=False)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=int(sys.argv[4]),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    print("ready", flush=True)
    sys.stdin.read()
    controller.stop()


if sys.argv[1] == "--show":
    show(sys.argv[2])
else:
    serve(*sys.argv[1:4])
