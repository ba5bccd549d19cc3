"""What AWS's models have had since Debian's botocore was made; nothing where botocore has it."""

TEXT, YES_NO = {"shape": "String"}, {"shape": "BooleanOptional"}


def _add_rds(model):
    """Since 2023: planned moves of an Aurora global database, and failovers that may lose data."""
    shapes, operations = model["shapes"], model["operations"]
    failover = operations["FailoverGlobalCluster"]
    shapes["FailoverGlobalClusterMessage"]["members"].update(
        AllowDataLoss=YES_NO, Switchover=YES_NO)
    shapes["FailoverState"]["members"].update(IsDataLossAllowed={"shape": "Boolean"})
    shapes["SwitchoverGlobalClusterMessage"] = {
        "type": "structure", "required": ["GlobalClusterIdentifier", "TargetDbClusterIdentifier"],
        "members": {name: shapes["FailoverGlobalClusterMessage"]["members"][name] for name in
                    ("GlobalClusterIdentifier", "TargetDbClusterIdentifier")}}
    shapes["SwitchoverGlobalClusterResult"] = {
        "type": "structure", "members": {"GlobalCluster": {"shape": "GlobalCluster"}}}
    operations["SwitchoverGlobalCluster"] = {
        **failover, "name": "SwitchoverGlobalCluster",
        "input": {"shape": "SwitchoverGlobalClusterMessage"},
        "output": {"shape": "SwitchoverGlobalClusterResult",
                   "resultWrapper": "SwitchoverGlobalClusterResult"}}


def add_to(name, model):
    if name == "rds" and "SwitchoverGlobalCluster" not in model["operations"]:
        _add_rds(model)
