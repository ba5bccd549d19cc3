"""CloudWatch: metrics that are functions of time, and what there is of them.

    cloudwatch.put("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": "orders"}, lambda at: 0.4)

`at` is the beginning of a datapoint's period, on the scripted clock; None stands for no datapoint.
Datapoints appear once their period is over. `minute` is how many seconds AWS's minute lasts here,
and `ahead` how many seconds the datapoints run before the clock: for stories that do not wait."""
import datetime

from aws.service import Refused, Service

UTC = datetime.timezone.utc
STATISTICS = {"Average", "Minimum", "Maximum", "Sum", "SampleCount"}


class CloudWatch(Service):
    signs_as = "monitoring"
    kinds = ("metrics",)
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.minute, self.ahead = 60, 0

    def put(self, namespace, name, dimensions, value, period=60):
        self.metrics[namespace, name, frozenset(dimensions.items())] = value, period

    def datapoints(self, namespace, name, dimensions, start, end, period):
        """Of every whole period in [start, end): its beginning and value."""
        names = frozenset((each["Name"], each["Value"]) for each in dimensions)
        value, own = self.metrics.get((namespace, name, names), (None, period))
        if value is None:
            return
        step = max(max(period, own) * self.minute // 60, 1)
        at = -(-int(start.timestamp()) // step) * step
        last = min(end.timestamp(), self.aws.now().timestamp() + self.ahead - step)
        while at < end.timestamp() and at <= last:
            moment = datetime.datetime.fromtimestamp(at, UTC)
            found = value(moment)
            if found is not None:
                yield moment, found
            at += step

    def check_span(self, start, end, period):
        if start >= end:
            raise Refused("InvalidParameterValue", "StartTime must be before EndTime", 400)
        if period < 60 and period not in (1, 5, 10, 30) or period >= 60 and period % 60:
            raise Refused("InvalidParameterValue", f"Period {period} is none", 400)
        if (end - start).total_seconds() / period > 1440:
            raise Refused("InvalidParameterCombination", "more than 1,440 datapoints", 400)

    def get_metric_statistics(self, params):
        start, end, period = params["StartTime"], params["EndTime"], params["Period"]
        self.check_span(start, end, period)
        if not params.get("Statistics") and not params.get("ExtendedStatistics"):
            raise Refused("InvalidParameterCombination", "Statistics are missing", 400)
        points = [
            {"Timestamp": at, "Unit": "Seconds",
             **{name: float(value) for name in params["Statistics"]}}
            for at, value in self.datapoints(params["Namespace"], params["MetricName"],
                                             params.get("Dimensions", []), start, end, period)]
        return {"Label": params["MetricName"], "Datapoints": points[::-1]}  # AWS promises no order

    def get_metric_data(self, params):
        results = []
        for query in params["MetricDataQueries"]:
            stat = query["MetricStat"]
            metric, period = stat["Metric"], stat["Period"]
            self.check_span(params["StartTime"], params["EndTime"], period)
            if stat["Stat"] not in STATISTICS:
                raise Refused("ValidationError", f"The statistic {stat['Stat']} is invalid", 400)
            points = list(self.datapoints(metric["Namespace"], metric["MetricName"],
                                          metric.get("Dimensions", []), params["StartTime"],
                                          params["EndTime"], period))
            if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
                points.reverse()
            results.append({"Id": query["Id"], "Label": metric["MetricName"],
                            "StatusCode": "Complete", "Timestamps": [at for at, _ in points],
                            "Values": [float(value) for _, value in points]})
        return {"MetricDataResults": results, "Messages": []}
