"""S3's control side: buckets, their versioning and replication."""
from aws.pace import Thing
from aws.service import Refused, Service


class S3(Service):
    signs_as = "s3"
    kinds = ("buckets",)
    PERMISSIONS = {"HeadBucket": "ListBucket",
                   "GetBucketReplication": "GetReplicationConfiguration",
                   "PutBucketReplication": "PutReplicationConfiguration"}

    def add_bucket(self, name, versioned=True, replicates_to=None, rule="to the other region",
                   status="Enabled"):
        bucket = Thing(name=name)
        bucket.aside["versioning"] = "Enabled" if versioned else None
        bucket.aside["replication"] = replicates_to and {
            "Role": "arn:aws:iam::111122223333:role/replication",
            "Rules": [{"ID": rule, "Priority": 1, "Filter": {"Prefix": ""}, "Status": status,
                       "Destination": {"Bucket": f"arn:aws:s3:::{replicates_to}"},
                       "DeleteMarkerReplication": {"Status": "Disabled"}}]}
        self.buckets[name] = bucket
        return bucket

    def find(self, params):
        name = params["Bucket"]
        if name in self.buckets:
            return self.buckets[name]
        for other in self.aws.regions.values():
            if name in other.s3.buckets:
                raise Refused("PermanentRedirect", "The bucket you are attempting to access must be"
                              " addressed using the specified endpoint.", 301)
        raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)

    def head_bucket(self, params):
        self.find(params)
        return {}

    def get_bucket_versioning(self, params):
        status = self.find(params).aside["versioning"]
        return {"Status": status} if status else {}

    def get_bucket_replication(self, params):
        replication = self.find(params).aside["replication"]
        if not replication:
            raise Refused("ReplicationConfigurationNotFoundError",
                          "The replication configuration was not found", 404)
        return {"ReplicationConfiguration": replication}

    def put_bucket_replication(self, params):
        bucket = self.find(params)
        if not bucket.aside["versioning"]:
            raise Refused("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a"
                                            " replication configuration", 400)
        self.acts(params["Bucket"])
        bucket.aside["replication"] = params["ReplicationConfiguration"]
        return {}

    def resources(self, action, params):
        return [f"arn:aws:s3:::{params['Bucket']}"]

    def also(self, action, params):
        if action == "PutBucketReplication":
            role = params["ReplicationConfiguration"]["Role"]
            yield "iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"}
