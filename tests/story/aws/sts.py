"""STS and IAM: who somebody is, roles that are assumed, and what a policy would allow."""
import datetime
import itertools

from aws import signature
from aws.service import ACCOUNT, Refused, Service


class Sts(Service):
    signs_as = "sts"
    kinds = ("roles",)
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.numbers = itertools.count(1)

    def get_caller_identity(self, params):
        return {"UserId": "AIDASCRIPTEDUSER00001", "Account": ACCOUNT,
                "Arn": f"arn:aws:iam::{ACCOUNT}:user/pilotlight"}

    def assume_role(self, params):
        """Any role but those called `forbidden`."""
        role = params["RoleArn"].rpartition("/")[2]
        if role == "forbidden":
            raise Refused("AccessDenied", f"not authorized to perform: sts:AssumeRole on {role}",
                          403)
        number = next(self.numbers)
        expires = self.aws.now() + datetime.timedelta(seconds=params.get("DurationSeconds", 3600))
        access_key = f"ASIASCRIPTED{self.region.replace('-', '').upper()[:6]}{number:02d}"
        secret = f"secret of session {number} in {self.region}"
        token = f"token/of/{role}/{self.region}/{number}"
        self.aws.keys[access_key] = signature.Key(secret, token, f"role/{role}", expires)
        return {"Credentials": {"AccessKeyId": access_key, "SecretAccessKey": secret,
                                "SessionToken": token, "Expiration": expires},
                "AssumedRoleUser": {"AssumedRoleId": f"AROASCRIPTED:{params['RoleSessionName']}",
                                    "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/"
                                           f"{params['RoleSessionName']}"}}

    def resources(self, action, params):
        return [params["RoleArn"]] if action == "AssumeRole" else ["*"]


class Iam(Service):
    signs_as = "iam"
    kinds = ("users",)
    PERMISSIONS = {}

    def simulate_principal_policy(self, params):
        """By the policy of the IAM mode; without one everything is allowed."""
        results = []
        for action in params["ActionNames"]:
            resources = params.get("ResourceArns", ["*"])
            allowed = [self.aws.policy is None or self.aws.policy.allows(action, each, {})
                       for each in resources]
            results += [{"EvalActionName": action, "EvalResourceName": resource,
                         "EvalDecision": "allowed" if yes else "implicitDeny",
                         "MatchedStatements": [], "MissingContextValues": []}
                        for resource, yes in zip(resources, allowed, strict=True)]
        return {"EvaluationResults": results, "IsTruncated": False}

    def resources(self, action, params):
        return [params["PolicySourceArn"]]
