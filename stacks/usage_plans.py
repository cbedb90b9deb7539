"""Usage plans: how much of the API people and back offices may each take.

API Gateway counts by API key. Here the key is what the authoriser says of a caller that it has established
(key source AUTHORIZER), so the values below are identifiers and open nothing: the header x-api-key is not
read at all.
"""

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from stacks.environment import Environment

BACK_OFFICES = "back-offices-"
"""Before the app client's id, the identifier of the back offices; the authoriser says the same."""


class UsagePlans(Construct):
    """The plans ``apps`` and ``back-offices`` on a stage, each with its one key.

    ``app_client_id`` is the id of the user pool's client. It is 26 characters long; a key needs 20.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        stage: apigateway.Stage,
        app_client_id: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._prefix = f"hasivu-{environment.name}"
        api = environment.api
        self._plan(
            "Apps",
            name="apps",
            description="People who come through the app",
            key=app_client_id,
            throttle=apigateway.CfnUsagePlan.ThrottleSettingsProperty(
                rate_limit=api.people_rate_per_s, burst_limit=api.people_burst
            ),
        )
        self._plan(
            "BackOffices",
            name="back-offices",
            description="Back offices, by API key",
            key=f"{BACK_OFFICES}{app_client_id}",
            throttle=apigateway.CfnUsagePlan.ThrottleSettingsProperty(
                rate_limit=api.back_office_rate_per_s, burst_limit=api.back_office_burst
            ),
            quota=apigateway.CfnUsagePlan.QuotaSettingsProperty(
                limit=api.back_office_daily_quota, period="DAY"
            ),
        )

    def _plan(
        self,
        construct_id: str,
        *,
        name: str,
        description: str,
        key: str,
        throttle: apigateway.CfnUsagePlan.ThrottleSettingsProperty,
        quota: apigateway.CfnUsagePlan.QuotaSettingsProperty | None = None,
    ) -> None:
        plan = apigateway.CfnUsagePlan(
            self,
            f"{construct_id}Plan",
            usage_plan_name=f"{self._prefix}-{name}",
            description=description,
            api_stages=[
                apigateway.CfnUsagePlan.ApiStageProperty(
                    api_id=self._stage.rest_api.rest_api_id, stage=self._stage.stage_name
                )
            ],
            throttle=throttle,
            quota=quota,
        )
        identifier = apigateway.CfnApiKey(
            self, f"{construct_id}Key", description=f"{description}: an identifier", enabled=True, value=key
        )
        apigateway.CfnUsagePlanKey(
            self,
            f"{construct_id}PlanKey",
            key_id=identifier.attr_api_key_id,
            key_type="API_KEY",
            usage_plan_id=plan.attr_id,
        )
