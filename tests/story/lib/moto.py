"""moto: an AWS that others wrote. It verifies every signature, and its IAM knows who may do what.

It is nobody's Debian package: `tests/story/peers FOLDER` brings it, and PILOTLIGHT_PEERS=FOLDER says
where it is. Without it the stories that need it are skipped.

Its IAM has names of its own for some actions, and knows resources of S3 alone: a policy is given to it
with its names, for all resources. `aws/policy.py` is what judges resources."""
import http.client
import json
import os
import pathlib
import subprocess
import tempfile

import botocore.config
import botocore.session
from lib.daemon import US
from lib.machine import eventually, fresh_address
from lib.versity import PEERS

SERVER = PEERS / "moto" / "bin" / "moto_server"
MISSING = f"moto is missing (run tests/story/peers {PEERS})"
PORT = 5000
ADMINISTRATOR, PILOTLIGHT = "administrator", "pilotlight"
ALL = {"Version": "2012-10-17",
       "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}]}
UNCHECKED = 3  # calls that make the administrator


def is_missing():
    return not os.access(SERVER, os.X_OK)


def name_of(action):
    """CloudWatch signs as "monitoring"; of S3's operations moto knows some by the method alone."""
    return {"s3:GetReplicationConfiguration": "s3:ListBucket",
            "s3:PutReplicationConfiguration": "s3:CreateBucket"}.get(
                action, action.replace("cloudwatch:", "monitoring:"))


def as_moto_knows_it(policy):
    return {**policy, "Statement": [
        {**each, "Action": [name_of(action) for action in each["Action"]], "Resource": "*"}
        for each in policy["Statement"]]}


class Moto:
    def __init__(self):
        self.address = fresh_address()
        self.url = f"http://{self.address}:{PORT}"
        self.log_file = pathlib.Path(tempfile.mkstemp(prefix="pilotlight-moto-")[1])
        self.keys = None
        self.process = subprocess.Popen(
            [str(SERVER), "--host", self.address, "--port", str(PORT)],
            stdin=subprocess.DEVNULL, stdout=self.log_file.open("wb"), stderr=subprocess.STDOUT)
        eventually(self.listens, "moto listens", 60)

    def listens(self):
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            return self.tell("/moto-api/reset") == 200
        except OSError:
            return False

    def tell(self, path, body=""):
        connection = http.client.HTTPConnection(self.address, PORT, timeout=30)
        connection.request("POST", path, body)
        status = connection.getresponse().status
        connection.close()
        return status

    def reset(self):
        """Nothing is there but an administrator and pilotlight, who may do nothing. Whatever else
        is not signed by one of them is refused from now on."""
        self.keys = {ADMINISTRATOR: ("AKIAIOSFODNN7EXAMPLE", "nobody's")}
        assert self.tell("/moto-api/reset") == 200
        assert self.tell("/moto-api/reset-auth", str(UNCHECKED)) == 200
        keys = self.add_user(ADMINISTRATOR)
        self.allow(ALL, ADMINISTRATOR)
        self.keys[ADMINISTRATOR] = keys
        self.keys[PILOTLIGHT] = self.add_user(PILOTLIGHT)
        return self

    def trust(self):
        """Checks nothing any more, until the next reset."""
        assert self.tell("/moto-api/reset-auth", "inf") == 200

    def add_user(self, name):
        iam = self.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def allow(self, policy, name=PILOTLIGHT):
        self.client("iam").put_user_policy(
            UserName=name, PolicyName="all", PolicyDocument=json.dumps(as_moto_knows_it(policy)))

    def client(self, service, region=US):
        key, secret = self.keys[ADMINISTRATOR]
        return botocore.session.Session().create_client(
            service, region, endpoint_url=self.url, aws_access_key_id=key,
            aws_secret_access_key=secret, config=botocore.config.Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))

    @property
    def environment(self):
        """Of the sidecar."""
        key, secret = self.keys[PILOTLIGHT]
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log_file.unlink()
