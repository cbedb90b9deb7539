"""Every table is backed up every night, into locked vaults, by a role that may do that and nothing else."""

from typing import Any

from stacks.environment import Environment
from stacks.environment_file import load_environment
from stacks.house_app import ROOT
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource


def environment_of(assembly: Assembly) -> Environment:
    return load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)


def vaults(assembly: Assembly) -> dict[str, Resource]:
    """Every vault by its stack."""
    return {item.stack: item for item in assembly.resources("AWS::Backup::BackupVault")}


def plan_rules(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """The rules of the plan, by name."""
    plan = assembly.one("AWS::Backup::BackupPlan")
    return {item["RuleName"]: item for item in plan.properties["BackupPlan"]["BackupPlanRule"]}


def test_every_table_is_selected_by_its_arn(assembly: Assembly) -> None:
    selection = assembly.one("AWS::Backup::BackupSelection")
    chosen = selection.properties["BackupSelection"]
    plan = assembly.one("AWS::Backup::BackupPlan")

    assert chosen.keys() == {"IamRoleArn", "Resources", "SelectionName"}
    assert assembly.texts(chosen["Resources"], selection.stack) == {
        table.arn for table in assembly.resources("AWS::DynamoDB::Table")
    }
    assert assembly.text(selection.properties["BackupPlanId"], selection.stack) == plan.ref


def test_a_backup_is_taken_every_night_in_india_and_kept_as_long_as_the_environment_says(
    assembly: Assembly,
) -> None:
    daily = plan_rules(assembly)["daily"]

    assert daily["ScheduleExpression"] == "cron(30 1 * * ? *)"
    assert daily["ScheduleExpressionTimezone"] == "Asia/Kolkata"
    assert daily["Lifecycle"] == {"DeleteAfterDays": environment_of(assembly).backup.retention_days}


def test_in_production_the_first_backup_of_a_month_is_kept_for_eight_years(assembly: Assembly) -> None:
    rules = plan_rules(assembly)

    assert ("monthly" in rules) is (assembly.environment == "prod")
    if "monthly" in rules:
        assert rules["monthly"]["ScheduleExpression"] == "cron(30 3 1 * ? *)"
        assert rules["monthly"]["Lifecycle"] == {"DeleteAfterDays": 2922, "MoveToColdStorageAfterDays": 90}


def test_every_backup_is_copied_to_the_second_region_where_there_is_one(assembly: Assembly) -> None:
    region = environment_of(assembly).backup.copy_region
    for rule in plan_rules(assembly).values():
        if region is None:
            assert "CopyActions" not in rule
            continue
        (copy,) = rule["CopyActions"]
        vault = vaults(assembly)["RecoveryCopy"].properties["BackupVaultName"]
        assert copy["Lifecycle"] == rule["Lifecycle"]
        arn = assembly.text(copy["DestinationBackupVaultArn"], "Recovery")
        assert arn.startswith(f"arn:aws:backup:{region}:")
        assert arn.endswith(f":backup-vault:{vault}")


def test_vaults_are_locked_and_where_records_are_locked_for_good(assembly: Assembly) -> None:
    for vault in vaults(assembly).values():
        lock = dict(vault.properties["LockConfiguration"])
        grace = lock.pop("ChangeableForDays", None)
        assert lock == {"MinRetentionDays": 35, "MaxRetentionDays": 3650}
        assert grace == (30 if environment_of(assembly).protection.lock_records else None)


def test_the_lock_takes_every_retention_that_an_environment_may_ask_for(prod: Assembly) -> None:
    """A final lock cannot be widened: the model's limits must lie within it, today and later."""
    accepted = Environment.model_json_schema()["$defs"]["Backup"]["properties"]
    monthly = next(item for item in accepted["monthly_retention_days"]["anyOf"] if "maximum" in item)
    for vault in vaults(prod).values():
        lock = vault.properties["LockConfiguration"]
        assert lock["MinRetentionDays"] <= accepted["retention_days"]["minimum"]
        assert lock["MinRetentionDays"] <= monthly["minimum"]
        assert lock["MaxRetentionDays"] >= accepted["retention_days"]["maximum"]
        assert lock["MaxRetentionDays"] >= monthly["maximum"]


def test_nobody_takes_a_backup_out_of_a_vault(assembly: Assembly) -> None:
    for vault in vaults(assembly).values():
        (statement,) = assembly.statements(vault.properties["AccessPolicy"], vault.stack)
        assert (statement.effect, statement.principal, statement.conditions) == ("Deny", {"AWS": "*"}, {})
        assert statement.actions == {
            "backup:DeleteRecoveryPoint",
            "backup:DisassociateRecoveryPoint",
            "backup:UpdateRecoveryPointLifecycle",
        }


def test_each_vault_is_encrypted_with_a_key_of_its_own_stack(assembly: Assembly) -> None:
    for vault in vaults(assembly).values():
        (key,) = [item for item in assembly.resources("AWS::KMS::Key") if item.stack == vault.stack]
        assert assembly.text(vault.properties["EncryptionKeyArn"], vault.stack) == key.arn


def test_vaults_outlive_their_stack_where_data_must_stay(assembly: Assembly) -> None:
    expected = "Delete" if assembly.environment == "sandbox" else "Retain"
    for vault in vaults(assembly).values():
        assert (vault.body["DeletionPolicy"], vault.body["UpdateReplacePolicy"]) == (expected, expected)


def test_the_backup_role_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    selection = assembly.one("AWS::Backup::BackupSelection")
    role_arn = assembly.text(selection.properties["BackupSelection"]["IamRoleArn"], selection.stack)
    statements = next(said for role, said in assembly.identity_policies() if role.arn == role_arn)
    tables = {table.arn for table in assembly.resources("AWS::DynamoDB::Table")}
    data_key = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/data")
    data_key_arn = assembly.text(data_key.properties["TargetKeyId"], data_key.stack)
    keys = {
        data_key_arn,
        *(
            assembly.text(item.properties["EncryptionKeyArn"], item.stack)
            for item in vaults(assembly).values()
        ),
    }
    names = {f":backup-vault:{item.properties['BackupVaultName']}" for item in vaults(assembly).values()}
    rights: dict[frozenset[str], frozenset[str]] = {
        item.actions: item.resources for item in statements if item.effect == "Allow"
    }
    filled = rights.pop(frozenset({"backup:CopyIntoBackupVault", "backup:DescribeBackupVault"}))

    assert {f":backup-vault:{arn.rpartition(':')[2]}" for arn in filled} == names
    copying = {frozenset({"backup:CopyFromBackupVault"}): {"*"}} if len(names) > 1 else {}
    assert rights == {
        frozenset(
            {"dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob"}
        ): tables,
        frozenset({"kms:Decrypt", "kms:GenerateDataKey"}): keys,
        frozenset({"kms:CreateGrant"}): keys,
        frozenset({"kms:Decrypt", "kms:DescribeKey"}): {data_key_arn},
        frozenset({"kms:DescribeKey"}): keys,
        frozenset({"backup:TagResource"}): {"*"},
        **copying,
    }
