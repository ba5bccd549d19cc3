"""The scripted AWS: the control planes of all regions on one HTTP port of the loopback interface.

    aws = ScriptedAws()
    aws.region("us-west-2").rds.add_replica("orders-standby", source=…)
    AWS_ENDPOINT_URL=aws.url AWS_ACCESS_KEY_ID=aws.access_key AWS_SECRET_ACCESS_KEY=aws.secret …
    aws.journal.counts()        # {"PromoteReadReplica": 1, …}
    aws.faults                  # what nobody may ever send: each a sentence
    aws.close()                 # raises if there are any

Service and region of a request are those of its signature's scope, whatever the host. What goes
wrong is scripted (misfortune.py) or said: `lose` makes a region a black hole."""
import datetime
import http.server
import itertools
import socket
import struct
import threading
import time
import urllib.parse
import uuid

from aws import (autoscaling, cloudformation, cloudwatch, codedeploy, ec2, ecs, elbv2, misfortune,
                 rds, route53, s3, signature, ssm, sts)
from aws.journal import Call, Journal
from aws.models import Wrong, model_of, snake
from aws.pace import Pace
from aws.policy import Policy
from aws.service import ACCOUNT, Refused

ALL = {service.signs_as: service for service in (
    rds.Rds, cloudwatch.CloudWatch, autoscaling.AutoScaling, ec2.Ec2, elbv2.Elbv2, ecs.Ecs,
    cloudformation.CloudFormation, codedeploy.CodeDeploy, ssm.Ssm, route53.Route53, s3.S3, sts.Sts,
    sts.Iam)}
GLOBAL = ("route53", "iam")  # they are in one region, which may be lost too
GLOBAL_REGION = "us-east-1"
CHANGES_IN_VAIN = ("get", "list", "describe", "batch_get", "head", "simulate")


class Region:
    """The services of one region, by botocore's names: `aws.region("us-west-2").rds`."""

    def __init__(self, aws, name):
        self.name = name
        self.services = {signs_as: service(aws, name) for signs_as, service in ALL.items()}
        for signs_as, service in self.services.items():
            setattr(self, model_of(signs_as).name, service)


class Request:
    def __init__(self, handler):
        self.method, self.target, self.headers = handler.command, handler.path, handler.headers
        path, _, query = self.target.partition("?")
        self.path = path
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.body = handler.rfile.read(int(self.headers.get("Content-Length") or 0))


class Gone(Exception):
    """This connection ends here; how was done already."""


class ScriptedAws:
    def __init__(self, address="127.0.0.1", port=0):
        self.access_key, self.secret = "AKIASCRIPTEDAWSTESTS", "scripted/secret+of/nobody"
        self.keys = {self.access_key: signature.Key(self.secret)}
        self.policy = None        # IAM mode: what is not allowed is refused
        self.clock_ahead = datetime.timedelta(0)
        self.pace, self.page_size = Pace(), None
        self.journal, self.faults, self.scripts = Journal(), [], []
        self.pauses = {}          # (call number, point) -> function of the call
        self.lost = set()
        self.stale = {}           # (service, region) -> [state, reads left, until]
        self.regions, self.nth = {}, {}
        self.lock, self.closing = threading.RLock(), threading.Event()
        self.numbers = itertools.count(1)
        self.listener = Listener((address, port), self)
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    # -- for tests ----------------------------------------------------------------------------

    @property
    def url(self):
        address, port = self.listener.server_address[:2]
        return f"http://{address}:{port}"

    @property
    def environment(self):
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret}

    def region(self, name):
        with self.lock:
            if name not in self.regions:
                self.regions[name] = Region(self, name)
            return self.regions[name]

    def service(self, signs_as, region):
        return self.region(GLOBAL_REGION if signs_as in GLOBAL else region).services[signs_as]

    def script(self, kind, *details, **chosen):
        self.scripts.append(misfortune.Script(kind, *details, **chosen))

    def pause(self, number, point, what):
        """`what(call)` runs before call `number` goes on at `point`: "before" the act, "after" it,
        or when the reply was "sent"."""
        assert point in ("before", "after", "sent"), point
        self.pauses[number, point] = what

    def lose(self, region):
        """Nothing in the region answers any more."""
        self.lost.add(region)

    def find(self, region):
        self.lost.discard(region)

    def allow(self, document):
        """IAM mode: whoever signs with the first key may do what the policy allows, no more."""
        self.policy = Policy(document) if document is not None else None

    def fault(self, words):
        self.faults.append(words)

    def now(self):
        """The scripted clock, in whole milliseconds, as the wire has it."""
        now = datetime.datetime.now(datetime.timezone.utc) + self.clock_ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def close(self):
        self.closing.set()
        self.listener.shutdown()
        self.listener.server_close()
        assert not self.faults, "\n".join(self.faults)

    # -- one call -----------------------------------------------------------------------------

    def answer(self, handler, request):
        scope = signature.scope(request)
        if not scope or scope["service"] not in ALL:
            self.fault(f"{request.method} {request.target}: for no service that there is")
            handler.say(403, {}, b"<Response><Errors/></Response>")
            return
        model = model_of(scope["service"])
        action, params, problems = "", {}, []
        try:
            action, params, problems = model.read(request)
        except Wrong as wrong:
            action, problems = str(wrong).split(":")[0], list(wrong.problems)
        except (ValueError, UnicodeDecodeError) as error:
            problems = [f"cannot be read: {error}"]
        call = self.begin(scope, action, params, request)
        self.carry_out(handler, request, call, model, problems)

    def begin(self, scope, action, params, request):
        with self.lock:
            call = Call(next(self.numbers), scope["service"], scope["region"], action)
            key = call.service, call.region, action
            call.nth = self.nth[key] = self.nth.get(key, 0) + 1
            call.params, call.body = params, request.body
            if call.service in GLOBAL and call.region != GLOBAL_REGION:
                self.fault(f"{call}: signed for another region than {GLOBAL_REGION}")
            call.request_id = str(uuid.uuid4())
            self.journal.append(call)
            return call

    def carry_out(self, handler, request, call, model, problems):
        if call.region in self.lost:
            self.swallow(handler, call)
        scripts = self.scripts_for(call)
        self.point(call, "before")
        try:
            reply = self.before(handler, call, model, scripts)
            if reply is None:
                self.vet(request, call, model, problems)
                values = self.act(call, scripts)
                reply = model.write(call.action, values, call.request_id)
                call.outcome = "answered"
        except Refused as refused:
            call.outcome, call.code = "refused", refused.code
            reply = model.write_error(refused.code, refused.message, call.request_id,
                                      refused.status)
        self.point(call, "after")
        reply = self.after(handler, call, model, scripts, reply)
        handler.say(*reply)
        self.point(call, "sent")

    def scripts_for(self, call):
        with self.lock:
            return {script.kind: script.play() for script in self.scripts
                    if script.concerns(call)}

    def point(self, call, name):
        what = self.pauses.pop((call.number, name), None)
        if what:
            what(call)

    def swallow(self, handler, call, outcome="never answered"):
        call.outcome = outcome
        while not self.closing.wait(0.05):
            if handler.is_hung_up():
                break
        handler.hang_up()
        raise Gone

    def before(self, handler, call, model, scripts):
        """A reply where there is one before anything was done."""
        if "delay" in scripts:
            self.closing.wait(scripts["delay"].details[0])
        if "never answer" in scripts:
            self.swallow(handler, call)
        if "drop" in scripts:
            call.outcome = "dropped"
            handler.reset()
            raise Gone
        if "throttle" in scripts:
            code, status = misfortune.THROTTLES[
                "s3" if model.name == "s3" else model.protocol]
            raise Refused(code, "Rate exceeded", status)
        if "server error" in scripts:
            raise Refused("InternalFailure", "The request processing has failed.", 503)
        if "error" in scripts:
            code, *status = scripts["error"].details
            raise Refused(code, f"Scripted: {code}.", *status)
        return None

    def vet(self, request, call, model, problems):
        codes = signature.CODES["s3" if model.name == "s3" else model.protocol]
        try:
            key = signature.check(request, self.keys, self.now())
        except signature.Refusal as refusal:
            if refusal.why in (signature.MISSING, signature.WRONG):
                self.fault(f"{call}: {refusal.words}")
            raise Refused(codes[refusal.why], refusal.words,
                          400 if codes[refusal.why] == "RequestExpired" else 403) from refusal
        if problems:
            for problem in problems:
                self.fault(f"{call}: {problem}")
            raise Refused("ValidationError", "; ".join(problems), 400)
        if self.policy and key.principal == "user/pilotlight":
            self.check_policy(call, model)

    def check_policy(self, call, model):
        service = self.service(call.service, call.region)
        prefix = {"monitoring": "cloudwatch"}.get(call.service, call.service)
        if (call.service, call.action) == ("sts", "GetCallerIdentity"):
            return  # everybody may
        context = {"aws:RequestedRegion": call.region, "aws:PrincipalAccount": ACCOUNT}
        own = f"{prefix}:{service.PERMISSIONS.get(call.action, call.action)}"
        needed = [(own, each, {}) for each in service.resources(call.action, call.params)]
        for action, resource, more in needed + list(service.also(call.action, call.params)):
            if not self.policy.allows(action, resource, {**context, **more}):
                codes = {"ec2": "UnauthorizedOperation", "json": "AccessDeniedException"}
                raise Refused(codes.get(model.protocol, "AccessDenied"),
                              f"User: arn:aws:iam::{ACCOUNT}:user/pilotlight is not authorized to"
                              f" perform: {action} on resource: {resource}", 403)

    def act(self, call, scripts):
        with self.lock:
            service = self.service(call.service, call.region)
            handler = getattr(service, snake(call.action), None)
            if handler is None:
                self.fault(f"{call}: the scripted AWS does not have it")
                raise Refused("InvalidAction", f"{call.action} is not here", 400)
            service.call = call
            if snake(call.action).startswith(CHANGES_IN_VAIN):
                return self.read(service, handler, call)
            before = service.snapshot() if "stale" in scripts else None
            values = handler(call.params)
            if before is not None:
                script = scripts["stale"]
                until = time.monotonic() + script.seconds if script.seconds else None
                self.stale[call.service, call.region] = [before, script.reads, until]
            return values

    def read(self, service, handler, call):
        stale = self.stale.get((call.service, call.region))
        if stale and ((stale[1] is not None and stale[1] <= 0)
                      or (stale[2] is not None and time.monotonic() > stale[2])):
            stale = self.stale.pop((call.service, call.region)) and None
        if not stale:
            return handler(call.params)
        if stale[1] is not None:
            stale[1] -= 1
        call.what = ("stale",)
        truth, service.state, service.is_stale = service.state, stale[0], True
        try:
            return handler(call.params)
        finally:
            service.state, service.is_stale = truth, False

    def after(self, handler, call, model, scripts, reply):
        if "never answer after" in scripts:
            self.swallow(handler, call, "acted, never answered" if call.acted else "never answered")
        if "drop after" in scripts:
            call.outcome = "dropped after"
            handler.reset()
            raise Gone
        if "half a reply" in scripts:
            call.outcome = "half a reply"
            handler.say_half(*reply)
            raise Gone
        if "server error after" in scripts:
            call.outcome, call.code = "server error after", "InternalFailure"
            return model.write_error("InternalFailure", "The request processing has failed.",
                                     call.request_id, 500)
        return reply


# -- HTTP ---------------------------------------------------------------------------------------


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def __init__(self, address, aws):
        self.aws = aws
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        super().handle_error(request, client_address)
        self.aws.fault("the scripted AWS broke: see its traceback")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, server_version = "HTTP/1.1", "Scripted"
    disable_nagle_algorithm = True

    def do(self):
        try:
            self.server.aws.answer(self, Request(self))
        except (Gone, ConnectionError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(timestamp or self.server.aws.now().timestamp())

    def head(self, status, headers, size):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def say(self, status, headers, body):
        self.head(status, headers, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def say_half(self, status, headers, body):
        self.head(status, headers, len(body))
        self.wfile.write(body[:len(body) // 2])
        self.hang_up()

    def is_hung_up(self):
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        """Nothing but a RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
