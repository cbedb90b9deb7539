"""An app that every pack must complain about: the proof that every pack runs.

A pack that finds nothing leaves no trace in the report, and one that crashed can look like it. So the gate
has this app checked by the very same :func:`checks.rules.packs.apply_checks` beside the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App, CfnResource, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from checks.rules.packs import apply_checks


def build(output: Path) -> App:
    """The app, with its checks; its synth is meant to fail.

    An open bucket for cdk-nag's rules, a queue without dead letters for Serverless and the house, and a
    property that CloudFormation's own schema does not know.
    """
    app = App(outdir=str(output), context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    stack = Stack(app, "Bad")
    s3.CfnBucket(stack, "OpenBucket")
    sqs.CfnQueue(stack, "LossyQueue", queue_name="hasivu-prod-lossy")
    CfnResource(stack, "ImpossibleTopic", type="AWS::SNS::Topic", properties={"NoSuchProperty": "none"})
    apply_checks(app, environment="prod")
    return app


if __name__ == "__main__":
    build(Path(sys.argv[1])).synth()
