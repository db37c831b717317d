"""The part of ECR Public that iasql uses, as a moto backend: no emulator has it.

Repositories with their catalog data and tags live in us-east-1 alone, as on AWS.  Shapes and errors are those of the service
model (ecr-public, 2020-10-30); moto serialises the answers from it.
"""
import re
import sys
import types

from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow

NAME = re.compile(r"(?=.{2,205}\Z)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
CATALOG = ("description", "architectures", "operatingSystems", "aboutText", "usageText")


class Refusal(ServiceException):
    """An error of this service: moto looks an error class up in the model of the module that defines it."""


class EcrPublicBackend(BaseBackend):
    """The public repositories of one account."""

    def __init__(self, region_name, account_id):
        super().__init__(region_name, account_id)
        self.repositories = {}  # name -> {"repository": ..., "catalog": ..., "tags": {key: value}}

    def find(self, name):
        if name not in self.repositories:
            raise Refusal(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{self.account_id}'",
            )
        return self.repositories[name]

    def find_by_arn(self, arn):
        return self.find(arn.partition(":repository/")[2])

    def create(self, name, catalog, tags):
        if not NAME.fullmatch(name or ""):
            raise Refusal(
                "InvalidParameterException",
                "Invalid parameter at 'repositoryName' failed to satisfy constraint: "
                "'must satisfy regular expression for repository names'",
            )
        if name in self.repositories:
            raise Refusal(
                "RepositoryAlreadyExistsException",
                f"The repository with name '{name}' already exists in the registry with id '{self.account_id}'",
            )
        repository = {
            "repositoryArn": f"arn:aws:ecr-public::{self.account_id}:repository/{name}",
            "registryId": self.account_id,
            "repositoryName": name,
            "repositoryUri": f"public.ecr.aws/a1b2c3d4/{name}",
            "createdAt": utcnow(),
        }
        entry = {"repository": repository, "catalog": {}, "tags": tags}
        self.repositories[name] = entry
        self.put_catalog(entry, catalog)
        return entry

    def put_catalog(self, entry, catalog):
        """Replace the catalog data of a repository: what is left out is emptied."""
        entry["catalog"] = {member: catalog[member] for member in CATALOG if catalog.get(member)}


ecrpublic_backends = BackendDict(EcrPublicBackend, "ecr-public", False, ["us-east-1"])


class EcrPublicResponse(BaseResponse):
    """One method for each operation, named as moto derives it from the operation's name."""

    def __init__(self):
        super().__init__(service_name="ecr-public")

    @property
    def backend(self):
        return ecrpublic_backends[self.current_account]["us-east-1"]

    def tags(self):
        return {tag["Key"]: tag.get("Value", "") for tag in self._get_param("tags") or []}

    def create_repository(self):
        entry = self.backend.create(
            self._get_param("repositoryName"), self._get_param("catalogData") or {}, self.tags()
        )
        return ActionResult({"repository": entry["repository"], "catalogData": entry["catalog"]})

    def describe_repositories(self):
        names = self._get_param("repositoryNames") or sorted(self.backend.repositories)
        found = [self.backend.find(name)["repository"] for name in names]
        start = int(self._get_param("nextToken") or 0)
        end = start + (self._get_param("maxResults") or 100)
        result = {"repositories": found[start:end]}
        if end < len(found):
            result["nextToken"] = str(end)
        return ActionResult(result)

    def delete_repository(self):
        entry = self.backend.find(self._get_param("repositoryName"))
        del self.backend.repositories[entry["repository"]["repositoryName"]]
        return ActionResult({"repository": entry["repository"]})

    def put_repository_catalog_data(self):
        entry = self.backend.find(self._get_param("repositoryName"))
        self.backend.put_catalog(entry, self._get_param("catalogData") or {})
        return ActionResult({"catalogData": entry["catalog"]})

    def get_repository_catalog_data(self):
        return ActionResult({"catalogData": self.backend.find(self._get_param("repositoryName"))["catalog"]})

    def list_tags_for_resource(self):
        tags = self.backend.find_by_arn(self._get_param("resourceArn"))["tags"]
        return ActionResult({"tags": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def tag_resource(self):
        self.backend.find_by_arn(self._get_param("resourceArn"))["tags"].update(self.tags())
        return ActionResult({})

    def untag_resource(self):
        tags = self.backend.find_by_arn(self._get_param("resourceArn"))["tags"]
        for key in self._get_param("tagKeys") or []:
            tags.pop(key, None)
        return ActionResult({})


def register():
    """Make moto find this backend as it finds its own: by host pattern, then by the module moto.<service>.

    A host belongs to the backend of the first pattern that matches it, and none of moto's own matches this service's.
    """
    host = r"https?://(?:api\.)?ecr-public\.(.+)\.amazonaws\.com"
    backend_index.backend_url_patterns.append(("ecr-public", re.compile(host)))

    urls = types.ModuleType("moto.ecrpublic.urls")
    urls.url_bases = [host]
    urls.url_paths = {"{0}/$": EcrPublicResponse.dispatch}
    models = types.ModuleType("moto.ecrpublic.models")
    models.ecrpublic_backends = ecrpublic_backends
    package = types.ModuleType("moto.ecrpublic")
    package.__path__ = []
    package.models, package.urls, package.ecrpublic_backends = models, urls, ecrpublic_backends
    sys.modules.update({module.__name__: module for module in (package, models, urls)})
    EcrPublicBackend.__module__ = models.__name__
