"""CloudFormation for the stand-in: the resources of aws/stack.yaml that moto's own lacks.

moto creates the bucket, users, policies and role of a stack. register() adds the distribution, its origin
access control and the bucket policy. Not modeled, and skipped by moto: response headers policies,
certificates and DNS records (SKIPPED).
"""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

# moto's CloudFormation imports its API Gateway, which no stack of ours uses, and that needs this package.
for _name in ("openapi_spec_validator", "openapi_spec_validator.validation.exceptions"):
    sys.modules.setdefault(_name, ModuleType(_name))
vars(sys.modules["openapi_spec_validator"]).setdefault("validate", None)
vars(sys.modules["openapi_spec_validator.validation.exceptions"]).setdefault(
    "OpenAPIValidationError", ValueError
)

from moto.cloudformation import parsing  # noqa: E402
from moto.cloudfront.models import cloudfront_backends  # noqa: E402
from moto.core.common_models import CloudFormationModel  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402

SKIPPED = (
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::Route53::RecordSet",
)


class _Resource(CloudFormationModel):
    """A resource with a physical id, and attributes for Fn::GetAtt."""

    def __init__(self, physical_resource_id: str, attributes: dict[str, str]) -> None:
        self.physical_resource_id = physical_resource_id
        self._attributes = attributes

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in ("Id", "DomainName")

    def get_cfn_attribute(self, name: str) -> str:
        return self._attributes[name]

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        return None


class _OriginAccess(_Resource):
    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        config = cloudformation_json["Properties"]["OriginAccessControlConfig"]
        made = cloudfront_backends[account_id]["aws"].create_origin_access_control(config)
        return cls(made.id, {"Id": made.id})


class _Distribution(_Resource):
    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        config = api_config(cloudformation_json["Properties"]["DistributionConfig"])
        config["CallerReference"] = resource_name
        made, *_rest = cloudfront_backends[account_id]["aws"].create_distribution(config, [])
        return cls(made.distribution_id, {"Id": made.distribution_id, "DomainName": made.domain_name})


class _BucketPolicy(_Resource):
    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        properties = cloudformation_json["Properties"]
        document = dict(properties["PolicyDocument"])
        # moto ignores conditions, so the rule "no unencrypted requests" would refuse every request.
        document["Statement"] = [each for each in document["Statement"] if each["Effect"] == "Allow"]
        policy = json.dumps(document).encode()
        s3_backends[account_id]["aws"].put_bucket_policy(properties["Bucket"], policy)
        return cls(f"{properties['Bucket']}-policy", {})


def api_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a DistributionConfig of CloudFormation as CloudFront's API writes it."""
    found: dict[str, Any] = {**config, "IsIPV6Enabled": config.get("IPV6Enabled", True)}
    for name in ("Aliases", "Origins", "CacheBehaviors", "CustomErrorResponses"):
        items = found.get(name) or []
        found[name] = {"Quantity": len(items), **({"Items": items} if items else {})}
    return found


def register() -> None:
    """Add the resources to moto's CloudFormation, once in a process."""
    models = {
        "AWS::CloudFront::Distribution": _Distribution,
        "AWS::CloudFront::OriginAccessControl": _OriginAccess,
        "AWS::S3::BucketPolicy": _BucketPolicy,
    }
    parsing.get_model_map().update(models)
    parsing.get_name_type_map().update(dict.fromkeys(models, ""))
