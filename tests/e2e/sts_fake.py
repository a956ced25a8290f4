# SPDX-License-Identifier: Apache-2.0
"""AWS STS, and IAM's policies of roles, as their documentation describes them, strict, on loopback: for what no real
engine here answers.

It recomputes each signature with botocore's signer, insists on the wire form that AWS documents, and can be told to
give any of the documented errors. Its sessions open nothing.
"""
import datetime
import hashlib
import http.server
import json
import random
import re
import secrets
import threading
import time
import urllib.parse
import xml.sax.saxutils

import botocore.auth
import botocore.awsrequest
import botocore.credentials

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
NAME = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+\Z", re.ASCII)
CHAINING = ("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
# Every error that the documentation of AssumeRole and of the common errors names, and its status.
DOCUMENTED = {
    "Throttling": (400, "Rate exceeded"),
    "ExpiredTokenException": (400, "The security token included in the request is expired"),
    "RegionDisabledException": (403, "STS is not activated in this region for account:123456789012."),
    "PackedPolicyTooLarge": (400, "Packed size of session tags consumes 120% of allotted space."),
    "MalformedPolicyDocument": (400, "This policy contains invalid Json"),
    "AccessDenied": (403, "User: arn:aws:iam::123456789012:user/svc is not authorized to perform: sts:AssumeRole"),
    "InvalidClientTokenId": (403, "The security token included in the request is invalid."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "InternalFailure": (500, "The request processing has failed because of an unknown error."),
}


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def invalid(message: str) -> Refused:
    return Refused(400, "ValidationError", message)


class StsFake:
    """Serves until close(). `fault` is the code of a documented error, "hang", "gone" (it hangs up), "html", "redirect" or None."""

    def __init__(self, keys: dict[str, str], longest: int = 43200, chained: bool = False, region: str = "us-east-1"):
        self.keys, self.longest, self.chained, self.region = dict(keys), longest, chained, region
        self.fault: str | None = None
        self.slowest_put = 0.0  # seconds, of a role's policy
        self.calls: list[dict] = []
        self.policies: dict[tuple[str, str], dict] = {}  # by the names of role and policy
        self.external_id: str | None = None
        self._lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                fake._answer(self)

            def do_GET(self):
                self.send_error(405)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- wire --------------------------------------------------------------------------------------------------
    def _answer(self, request) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        try:
            if self.fault == "hang":
                time.sleep(30)
            if self.fault == "gone":
                request.close_connection = True
                return
            if self.fault == "html":
                return self._send(request, 200, "<html><body>Sign in</body></html>", "text/html")
            if self.fault == "redirect":
                return self._send(request, 301, "", location="https://sts.eu-west-1.amazonaws.com/")
            document = self._handle(request, body)
        except Refused as refused:
            document = (f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{refused.code}</Code>'
                        f"<Message>{xml.sax.saxutils.escape(refused.message)}</Message></Error>"
                        "<RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>")
            return self._send(request, refused.status, document)
        self._send(request, 200, document)

    @staticmethod
    def _send(request, status: int, text: str, kind: str = "text/xml", location: str = "") -> None:
        data = text.encode()
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        if location:
            request.send_header("Location", location)
        request.end_headers()
        request.wfile.write(data)

    def _handle(self, request, body: bytes) -> str:
        if request.path != "/":
            raise Refused(404, "InvalidAction", "The action is not valid for this endpoint.")
        if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            raise Refused(400, "InvalidParameterValue", "The body must be a form.")
        if b"+" in body:
            raise Refused(400, "MalformedInput", "A space is %20 here, so that every engine reads it.")
        pairs = urllib.parse.parse_qsl(body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            raise Refused(400, "MalformedQueryString", "A parameter is given twice.")
        service = {"2011-06-15": "sts", "2010-05-08": "iam"}.get(form.get("Version"))
        if service is None:
            raise Refused(400, "MissingParameter", "The request must contain the parameter Version.")
        access_key = self._verify(request, body, service)
        with self._lock:
            self.calls.append(form)
        if self.fault:
            status, message = DOCUMENTED[self.fault]
            raise Refused(status, self.fault, message)
        if service == "iam":
            return self._role_policy(form)
        if form["Action"] == "GetCallerIdentity":
            return (f'<GetCallerIdentityResponse xmlns="{NAMESPACE}"><GetCallerIdentityResult><Arn>'
                    f"arn:aws:iam::123456789012:user/{access_key}</Arn><UserId>AIDA</UserId><Account>123456789012"
                    "</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId>"
                    "</ResponseMetadata></GetCallerIdentityResponse>")
        if form["Action"] == "AssumeRole":
            return self._assume(form)
        raise Refused(400, "InvalidAction", "Could not find that operation.")

    def _role_policy(self, form: dict) -> str:
        key = (form["RoleName"], form["PolicyName"])
        if form["Action"] == "PutRolePolicy":
            time.sleep(random.uniform(0, self.slowest_put))  # so that they arrive in another order than they were sent
            self.policies[key] = json.loads(form["PolicyDocument"])
            return (f'<PutRolePolicyResponse xmlns="{IAM}"><ResponseMetadata><RequestId>1</RequestId>'
                    "</ResponseMetadata></PutRolePolicyResponse>")
        if form["Action"] != "GetRolePolicy":
            raise Refused(400, "InvalidAction", "Could not find that operation.")
        if key not in self.policies:
            raise Refused(404, "NoSuchEntity", f"The role policy with name {key[1]} cannot be found.")
        return (f'<GetRolePolicyResponse xmlns="{IAM}"><GetRolePolicyResult><RoleName>{key[0]}</RoleName><PolicyName>'
                f"{key[1]}</PolicyName><PolicyDocument>{urllib.parse.quote(json.dumps(self.policies[key]), safe='')}"
                "</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>")

    def _verify(self, request, body: bytes, service: str) -> str:
        header = request.headers.get("Authorization", "")
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/" + service + r"/aws4_request, "
                             r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", header)
        if not match:
            raise Refused(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        key, _, region, signed, signature = match.groups()
        if key not in self.keys:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if region != self.region:
            raise Refused(403, "SignatureDoesNotMatch", f"Credential should be scoped to a valid region.")
        stamp = request.headers["X-Amz-Date"]
        then = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        skew = abs((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds())
        if skew > 300:
            raise Refused(403, "SignatureDoesNotMatch", f"Signature expired: {stamp} is now earlier than allowed")
        if "host" not in signed.split(";") or "x-amz-date" not in signed.split(";"):
            raise Refused(403, "SignatureDoesNotMatch", "host and x-amz-date must be signed.")
        again = botocore.awsrequest.AWSRequest("POST", f"{self.url}/", data=body, headers={
            name: request.headers[name] for name in signed.split(";")})
        again.context["timestamp"] = stamp
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, self.keys[key]), service, region)
        canonical = signer.canonical_request(again)
        canonical_signed = canonical.split("\n")[-2]
        if canonical_signed != signed or canonical.split("\n")[-1] != hashlib.sha256(body).hexdigest():
            raise Refused(403, "SignatureDoesNotMatch", "The canonical request differs.")
        expected = signer.signature(signer.string_to_sign(again, canonical), again)
        if expected != signature:
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        return key

    def _assume(self, form: dict) -> str:
        if not ROLE.match(form.get("RoleArn", "")):
            raise invalid("roleArn is not an ARN of a role")
        if not NAME.match(form.get("RoleSessionName", "")):
            raise invalid("roleSessionName fails [\\w+=,.@-]*")
        duration = form.get("DurationSeconds", "3600")
        if not duration.isdigit() or not 900 <= int(duration) <= 43200:
            raise invalid("1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint")
        if self.chained and int(duration) > 3600:
            raise invalid(CHAINING)
        if int(duration) > self.longest:
            raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        policy = form.get("Policy")
        if policy is not None and not 1 <= len(policy) <= 2048:
            raise invalid("Value at 'policy' failed to satisfy constraint: Member must have length <= 2048")
        if self.external_id is not None and form.get("ExternalId") != self.external_id:
            raise Refused(403, "AccessDenied", DOCUMENTED["AccessDenied"][1])
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(duration))
        return (f'<AssumeRoleResponse xmlns="{NAMESPACE}"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>'
                f"AROA123EXAMPLE123:{form['RoleSessionName']}</AssumedRoleId><Arn>arn:aws:sts::123456789012:"
                f"assumed-role/r/{form['RoleSessionName']}</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA"
                f"{secrets.token_hex(8).upper()}</AccessKeyId><SecretAccessKey>{secrets.token_urlsafe(30)}"
                f"</SecretAccessKey><SessionToken>{secrets.token_urlsafe(300)}</SessionToken><Expiration>"
                f"{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials><PackedPolicySize>6</PackedPolicySize>"
                "</AssumeRoleResult><ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata>"
                "</AssumeRoleResponse>")
