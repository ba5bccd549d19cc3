"""Route 53: zones, their records, changes that are PENDING for `pace["pending"]`, then INSYNC.

A zone is one for all regions, and lives in us-east-1, as AWS's control plane of it does."""
import itertools

from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class Route53(Service):
    signs_as = "route53"
    kinds = ("zones", "changes")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.numbers = itertools.count(1)

    def add_zone(self, number, name):
        name = name.rstrip(".") + "."
        zone = Thing(Id=f"/hostedzone/{number}", Name=name, CallerReference=f"made {number}",
                     Config={"PrivateZone": False}, ResourceRecordSetCount=0)
        zone.aside["records"] = {}
        self.zones[number] = zone
        return zone

    def records(self, number):
        """Name and type -> values."""
        return {key: [each["Value"] for each in record["ResourceRecords"]]
                for key, record in self.zones[number].aside["records"].items()}

    def zone(self, number):
        number = number.rpartition("/")[2]
        if number not in self.zones:
            raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {number}", 404)
        return self.zones[number]

    def list_hosted_zones_by_name(self, params):
        start = params.get("DNSName", "").rstrip(".")
        wanted = sorted((each for each in self.zones.values()
                         if backwards(each["Name"]) >= backwards(start)),
                        key=lambda each: backwards(each["Name"]))
        size = self.aws.page_size or int(params.get("MaxItems", 100))
        reply = {"HostedZones": [plain_thing(each) for each in wanted[:size]],
                 "IsTruncated": len(wanted) > size, "MaxItems": str(size)}
        if len(wanted) > size:
            reply.update(NextDNSName=wanted[size]["Name"],
                         NextHostedZoneId=wanted[size]["Id"].rpartition("/")[2])
        return reply

    def get_hosted_zone(self, params):
        return {"HostedZone": plain_thing(self.zone(params["Id"]))}

    def list_resource_record_sets(self, params):
        records = self.zone(params["HostedZoneId"]).aside["records"]
        start = (backwards(params.get("StartRecordName", "")), params.get("StartRecordType", ""))
        wanted = sorted(((backwards(name), kind), record)
                        for (name, kind), record in records.items())
        wanted = [record for key, record in wanted if key >= start]
        size = self.aws.page_size or int(params.get("MaxItems", 300))
        reply = {"ResourceRecordSets": [plain_thing(each) for each in wanted[:size]],
                 "IsTruncated": len(wanted) > size, "MaxItems": str(size)}
        if len(wanted) > size:
            reply.update(NextRecordName=wanted[size]["Name"], NextRecordType=wanted[size]["Type"])
        return reply

    def change_resource_record_sets(self, params):
        zone = self.zone(params["HostedZoneId"])
        after = dict(zone.aside["records"])
        for change in params["ChangeBatch"]["Changes"]:
            record = change["ResourceRecordSet"]
            self.apply(zone, after, change["Action"], record)
        self.acts(zone["Id"], *(change["ResourceRecordSet"]["Name"]
                                for change in params["ChangeBatch"]["Changes"]))
        zone.aside["records"] = after
        zone["ResourceRecordSetCount"] = len(after)
        number = f"C{next(self.numbers):013d}"
        change = Thing(Id=f"/change/{number}", Status="PENDING", SubmittedAt=self.aws.now())
        change.then(self.pace["pending"], lambda it: it.update(Status="INSYNC"))
        self.changes[number] = change
        return {"ChangeInfo": plain_thing(change)}

    @staticmethod
    def apply(zone, after, action, record):
        name = record["Name"].rstrip(".").lower() + "."
        key = name, record["Type"]
        if not ("." + name).endswith("." + zone["Name"]):
            raise Refused("InvalidChangeBatch", f"RRSet with DNS name {name} is not permitted in"
                                                f" zone {zone['Name']}", 400)
        has_values = "TTL" in record and record.get("ResourceRecords")
        if not record.get("AliasTarget") and not has_values:
            raise Refused("InvalidInput", "TTL and ResourceRecords are missing", 400)
        if action == "CREATE" and key in after:
            raise Refused("InvalidChangeBatch", f"{name} already exists", 400)
        if action == "DELETE":
            if key not in after:
                raise Refused("InvalidChangeBatch", f"{name} was not found", 400)
            del after[key]
        else:
            after[key] = {**record, "Name": name}

    def get_change(self, params):
        number = params["Id"].rpartition("/")[2]
        if number not in self.changes:
            raise Refused("NoSuchChange", f"A change with id {number} does not exist", 404)
        return {"ChangeInfo": plain_thing(self.look(self.changes[number]))}

    def resources(self, action, params):
        zone = params.get("HostedZoneId") or (params.get("Id") if action == "GetHostedZone" else "")
        if zone:
            return [f"arn:aws:route53:::hostedzone/{zone.rpartition('/')[2]}"]
        if action == "GetChange":
            return [f"arn:aws:route53:::change/{params['Id'].rpartition('/')[2]}"]
        return ["*"]


def backwards(name):
    """Route 53's order of names: by labels, the last first."""
    return list(reversed(name.rstrip(".").lower().split(".")))
