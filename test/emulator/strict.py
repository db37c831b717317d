"""What AWS refuses and delays, and moto does not: importing this makes moto do it.

- What is in use cannot be deleted.  Load balancers, tasks of services and NAT gateways have network interfaces, which
  stay for a moment after their owner has gone: until they have refused one deletion, or three of one named "lingers".
- The access key "blind" may not describe network interfaces.
- NAT gateways and services take time to come and go: one look.
- An endpoint's policy can be reset; the deletion of one with the tag "managed" is refused.
- A service takes no task definition that lacks the container and port that its load balancer sends traffic to.
- One revision of a task definition's family is registered at a time.
- A repeated client token gives the answer that was given first.
- Certificates with other keys than RSA_1024 and RSA_2048 are listed only if their key types are asked for.
- Lists lag behind writes: for the access key "lagging" the next looks at what was made or deleted show it as it was before.

Codes and messages are those of the services' API references.
"""
import copy
import functools
import io
import json
import re
import threading
import urllib.parse

from moto.acm.models import AWSCertificateManagerBackend
from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.responses import EC2Response
from moto.ecs.exceptions import ECSException, InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.ec2.models import ec2_backends
from moto.elbv2.exceptions import DuplicateLoadBalancerName, ELBClientError
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.elbv2.responses import ELBV2Response
from moto.iam.responses import IamResponse

REGISTRATION_S = 0.3  # how long a registration takes, unless another one of its family ends it


def instead_of(owner, name):
    """Decorate a function that replaces a method and gets the replaced one first."""

    def decorate(function):
        old = getattr(owner, name)

        @functools.wraps(old)
        def method(self, *args, **kwargs):
            return function(old, self, *args, **kwargs)

        setattr(owner, name, method)
        return function

    return decorate


# ------------------------------------------------------------------ network interfaces


def attach(ec2, owner, subnets, groups):
    """Give owner, an object of moto's, one network interface in each of the subnets."""
    for subnet in subnets:
        interface = ec2.create_network_interface(subnet, None, group_ids=list(groups))
        interface.owner, interface.requester_managed, interface.status = owner, True, "in-use"


def detach(ec2, owner, at_once=False):
    """Take owner's network interfaces away: at once, or after they have refused a deletion."""
    for interface in [i for i in ec2.enis.values() if getattr(i, "owner", None) is owner]:
        if at_once:
            del ec2.enis[interface.id]
        else:
            interface.owner, interface.leaves_with = None, owner
            owner.refusals = 3 if getattr(owner, "name", None) == "lingers" else 1


def is_used(ec2, uses):
    """Whether an interface uses something; one that is on its way out has now refused, and goes with its owner's others."""
    found = [interface for interface in ec2.enis.values() if uses(interface)]
    for owner in {id(i.leaves_with): i.leaves_with for i in found if hasattr(i, "leaves_with")}.values():
        owner.refusals -= 1
        if owner.refusals == 0:
            for interface in [i for i in ec2.enis.values() if getattr(i, "leaves_with", None) is owner]:
                del ec2.enis[interface.id]
    return bool(found)


@instead_of(EC2Response, "describe_network_interfaces")
def describe_network_interfaces(old, response):
    if "Credential=blind/" in response.headers.get("Authorization", ""):
        raise EC2ClientError("UnauthorizedOperation", "You are not authorized to perform this operation.")
    return old(response)


# ------------------------------------------------------------------ EC2


@instead_of(EC2Backend, "delete_security_group")
def delete_security_group(old, ec2, name=None, group_id=None):
    groups = [group for groups in ec2.groups.values() for group in groups.values()]
    for group in groups:
        if group.id == group_id and group.is_default:
            break  # moto's own call, while its VPC goes
    else:
        for group in groups:
            for rule in group.ingress_rules + group.egress_rules if group.id != group_id else []:
                if rule.source_group.get("GroupId") == group_id:
                    raise DependencyViolationError(f"resource {group_id} has a dependent object")
        if is_used(ec2, lambda interface: group_id in [group.id for group in interface.group_set]):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return old(ec2, name, group_id)


@instead_of(EC2Backend, "modify_security_group_rules")
def modify_security_group_rules(old, ec2, group_id, rules):
    """What moto leaves as it is: the group that a rule names."""
    old(ec2, group_id, rules)
    for id, rule in rules.items():
        if rule.get("ReferencedGroupId"):
            ec2.get_security_group_from_id(group_id).get_rule(id).source_group["GroupId"] = rule["ReferencedGroupId"]


@instead_of(EC2Backend, "delete_subnet")
def delete_subnet(old, ec2, subnet_id):
    if is_used(ec2, lambda interface: interface.subnet.id == subnet_id):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return old(ec2, subnet_id)


@instead_of(EC2Backend, "delete_vpc")
def delete_vpc(old, ec2, vpc_id):
    if (
        any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.internet_gateways.values())
        or any(endpoint.vpc_id == vpc_id and endpoint.state != "deleted" for endpoint in ec2.vpc_end_points.values())
        or any(not group.is_default for group in ec2.groups[vpc_id].values())
    ):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    return old(ec2, vpc_id)


@instead_of(EC2Backend, "detach_internet_gateway")
def detach_internet_gateway(old, ec2, internet_gateway_id, vpc_id):
    if any(address.eni and address.eni.subnet.vpc_id == vpc_id for address in ec2.addresses):
        raise DependencyViolationError(
            f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before"
            " detaching the gateway."
        )
    return old(ec2, internet_gateway_id, vpc_id)


@instead_of(EC2Backend, "release_address")
def release_address(old, ec2, address=None, allocation_id=None):
    for found in ec2.addresses:
        if found.allocation_id == allocation_id and found.association_id:
            raise EC2ClientError("InvalidIPAddress.InUse", f"The address {found.public_ip} is in use.")
    return old(ec2, address, allocation_id)


def has_internet_gateway(ec2, vpc_id):
    return ec2.vpcs[vpc_id].is_default or any(g.vpc and g.vpc.id == vpc_id for g in ec2.internet_gateways.values())


@instead_of(EC2Backend, "create_nat_gateway")
def create_nat_gateway(old, ec2, subnet_id, allocation_id, tags=None, connectivity_type="public"):
    gateway = old(ec2, subnet_id, allocation_id, tags, connectivity_type)
    works = connectivity_type == "private" or has_internet_gateway(ec2, gateway.vpc_id)
    gateway.state, gateway.becomes = "pending", "available" if works else "failed"
    gateway.ec2 = ec2
    return gateway


@instead_of(EC2Backend, "delete_nat_gateway")
def delete_nat_gateway(old, ec2, nat_gateway_id):
    if nat_gateway_id not in ec2.nat_gateways:
        raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
    gateway = old(ec2, nat_gateway_id)
    gateway.state, gateway.becomes = "deleting", "deleted"
    return gateway


@instead_of(EC2Response, "describe_nat_gateways")
def describe_nat_gateways(old, response):
    """One look shows the state between."""
    result = old(response)
    gateways = result.result["NatGateways"]
    result.result["NatGateways"] = [copy.copy(gateway) for gateway in gateways]
    for gateway in gateways:
        gateway.state = gateway.becomes
        if gateway.state in ("deleted", "failed") and gateway._eni.id in gateway.ec2.enis:
            for address in gateway.ec2.addresses:
                if address.eni is gateway._eni:
                    gateway.ec2.disassociate_address(address=address.public_ip)
            del gateway.ec2.enis[gateway._eni.id]
    return result


@instead_of(EC2Response, "modify_vpc_endpoint")
def modify_vpc_endpoint(old, response):
    if response._get_bool_param("ResetPolicy"):
        (endpoint,) = response.ec2_backend.describe_vpc_endpoints([response._get_param("VpcEndpointId")])
        endpoint.policy_document = json.dumps(
            {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}
        )
    return old(response)


@instead_of(EC2Response, "delete_vpc_endpoints")
def delete_vpc_endpoints(old, response):
    """One that another service manages, here by a tag, is refused inside an answer that says 200."""
    for endpoint in response.ec2_backend.describe_vpc_endpoints(response._get_param("VpcEndpointIds", [])):
        if any(tag["key"] == "managed" for tag in endpoint.get_tags()):
            error = {"Code": "OperationNotPermitted", "Message": "Requester-managed endpoints cannot be deleted."}
            return ActionResult({"Unsuccessful": [{"ResourceId": endpoint.id, "Error": error}]})
    return old(response)


# ------------------------------------------------------------------ load balancers


def subnets_of(load_balancer):
    return [subnet.id for subnet in load_balancer.subnets]


def refuse_other_vpc(elb, load_balancer, subnets=(), groups=()):
    """A load balancer cannot leave its VPC."""
    ec2 = elb.ec2_backend
    if {ec2.get_subnet(id).vpc_id for id in subnets} | {ec2.get_security_group_from_id(id).vpc_id for id in groups} != {
        load_balancer.vpc_id
    }:
        raise ELBClientError("InvalidConfigurationRequest", f"It is not in VPC '{load_balancer.vpc_id}'.")


@instead_of(ELBv2Backend, "create_load_balancer")
def create_load_balancer(old, elb, name, security_groups, subnet_ids, *args, **kwargs):
    for other in elb.load_balancers.values():
        if other.name == name:
            if sorted(subnets_of(other)) == sorted(subnet_ids) and sorted(other.security_groups) == sorted(security_groups):
                return other
            raise DuplicateLoadBalancerName()
    load_balancer = old(elb, name, security_groups, subnet_ids, *args, **kwargs)
    attach(elb.ec2_backend, load_balancer, load_balancer.subnets, load_balancer.security_groups)
    return load_balancer


@instead_of(ELBv2Backend, "delete_load_balancer")
def delete_load_balancer(old, elb, arn):
    if arn in elb.load_balancers:
        detach(elb.ec2_backend, elb.load_balancers[arn])
    return old(elb, arn)


@instead_of(ELBv2Backend, "set_security_groups")
def set_security_groups(old, elb, arn, groups):
    refuse_other_vpc(elb, elb.load_balancers[arn], groups=groups)
    result = old(elb, arn, groups)
    load_balancer = elb.load_balancers[arn]
    detach(elb.ec2_backend, load_balancer, at_once=True)
    attach(elb.ec2_backend, load_balancer, load_balancer.subnets, groups)
    return result


@instead_of(ELBv2Backend, "set_subnets")
def set_subnets(old, elb, arn, subnets, subnet_mappings):
    refuse_other_vpc(elb, elb.load_balancers[arn], subnets)
    result = old(elb, arn, subnets, subnet_mappings)
    load_balancer = elb.load_balancers[arn]
    detach(elb.ec2_backend, load_balancer)
    attach(elb.ec2_backend, load_balancer, load_balancer.subnets, load_balancer.security_groups)
    return result


@instead_of(AWSCertificateManagerBackend, "list_certificates")
def list_certificates(old, acm, statuses, includes):
    return old(acm, statuses, {"keyTypes": ["RSA_1024", "RSA_2048"], **(includes or {})})


# ------------------------------------------------------------------ ECS


def refuse_targets(ecs, load_balancers):
    """ECS takes a target group only if a listener of a load balancer forwards to it."""
    elb = elbv2_backends[ecs.account_id][ecs.region_name]
    for load_balancer in load_balancers or []:
        arn = load_balancer["targetGroupArn"]
        if not elb._any_listener_using(arn):
            raise InvalidParameterException(
                f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            )


def refuse_containers(ecs, load_balancers, task_definition):
    """Traffic goes to a port of a container that the task definition has."""
    containers = {c["name"]: c for c in ecs.describe_task_definition(task_definition).container_definitions}
    for load_balancer in load_balancers or []:
        name, port = load_balancer["containerName"], load_balancer["containerPort"]
        if name not in containers:
            raise InvalidParameterException(f"The container {name} does not exist in the task definition.")
        if port not in [mapping["containerPort"] for mapping in containers[name].get("portMappings", [])]:
            raise InvalidParameterException(f"The container {name} did not have a container port {port} defined.")


def place(ecs, service):
    """A task is an interface in a subnet with the groups of the service; those of the tasks before go with them."""
    ec2 = ec2_backends[ecs.account_id][ecs.region_name]
    network = (service.network_configuration or {}).get("awsvpcConfiguration", {})
    placed = (service.desired_count, service.task_definition, json.dumps(network, sort_keys=True))
    if getattr(service, "placed", None) == placed:
        return
    service.placed = placed
    detach(ec2, service)
    subnets = [ec2.get_subnet(id) for id in network.get("subnets", [])]
    attach(ec2, service, subnets[:1] * service.desired_count, network.get("securityGroups", []))


@instead_of(EC2ContainerServiceBackend, "create_service")
def create_service(old, ecs, cluster_str, service_name, desired_count, task_definition_str, load_balancers, *args, **kwargs):
    known = ecs.services.get(f"{ecs._get_cluster(cluster_str).name}:{service_name}")
    if known and known.status == "ACTIVE":
        raise InvalidParameterException("Creation of service was not idempotent.")
    if known and known.status == "DRAINING":
        raise InvalidParameterException("Unable to Start a service that is still Draining.")
    refuse_targets(ecs, load_balancers)
    refuse_containers(ecs, load_balancers, task_definition_str)
    service = old(ecs, cluster_str, service_name, desired_count, task_definition_str, load_balancers, *args, **kwargs)
    place(ecs, service)
    return service


@instead_of(EC2ContainerServiceBackend, "update_service")
def update_service(old, ecs, properties):
    cluster, name = properties.get("cluster", "default"), properties["service"].split("/")[-1]
    service = ecs._get_service(cluster, name)
    if service.status != "ACTIVE":
        raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
    balancers = properties.get("load_balancers")
    refuse_targets(ecs, balancers)
    refuse_containers(ecs, service.load_balancers if balancers is None else balancers,
                      properties.get("task_definition") or service.task_definition)
    service = old(ecs, properties)
    place(ecs, service)
    return service


@instead_of(EC2ContainerServiceBackend, "delete_service")
def delete_service(old, ecs, cluster_name, service_name, force):
    service = old(ecs, cluster_name, service_name, force)
    service.status = "DRAINING"
    return service


@instead_of(EC2ContainerServiceResponse, "describe_services")
def describe_services(old, response):
    """One look shows a service that drains; with its last task its interfaces go."""
    result = old(response)
    services = result.result["services"]
    result.result["services"] = [copy.copy(service) for service in services]
    for service in services:
        if service.status == "DRAINING":
            service.status = "INACTIVE"
            detach(ec2_backends[service._account_id][service.region_name], service, at_once=True)
    return result


@instead_of(EC2ContainerServiceBackend, "list_services")
def list_services(old, ecs, *args, **kwargs):
    active = {service.arn for service in ecs.services.values() if service.status != "INACTIVE"}
    return [arn for arn in old(ecs, *args, **kwargs) if arn in active]


@instead_of(EC2ContainerServiceBackend, "delete_cluster")
def delete_cluster(old, ecs, cluster_str):
    name = ecs._get_cluster(cluster_str).name
    states = {service.status for service in ecs.services.values() if service.cluster_name == name}
    if "ACTIVE" in states:
        raise ECSException(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if "DRAINING" in states:
        raise ECSException("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    return old(ecs, cluster_str)


# ------------------------------------------------------------------ lists that lag

# Listing: member of its result, the item's attribute that identifies it, and those by which it is asked for.  Items may
# be texts themselves.
LISTINGS = {
    (EC2Response, "describe_vpcs"): ("Vpcs", "id"),
    (EC2Response, "describe_subnets"): ("Subnets", "id", "vpc_id"),
    (EC2Response, "describe_security_groups"): ("SecurityGroups", "id", "vpc_id"),
    (EC2Response, "describe_security_group_rules"): ("SecurityGroupRules", "id", "group_id"),
    (EC2Response, "describe_addresses"): ("Addresses", "id"),
    (EC2Response, "describe_nat_gateways"): ("NatGateways", "id"),
    (EC2Response, "describe_vpc_endpoints"): ("VpcEndpoints", "id", "vpc_id"),
    (ELBV2Response, "describe_load_balancers"): ("LoadBalancers", "arn"),
    (ELBV2Response, "describe_target_groups"): ("TargetGroups", "arn"),
    (ELBV2Response, "describe_listeners"): ("Listeners", "arn"),
    (EC2ContainerServiceResponse, "list_clusters"): ("clusterArns", None),
    (EC2ContainerServiceResponse, "list_services"): ("serviceArns", None),
    (IamResponse, "list_roles"): ("Roles", "name"),
}


class Lag:
    """What one listing of one region showed, and how often it has yet to show what was made or deleted since as before."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.shown = None  # by identity; None before the first look
        self.hidden = {}  # identity: looks that it was left out of
        self.kept = {}  # identity: looks that it was in after its deletion

    def names(self, item):
        """The texts by which an item is asked for, its identity first; of ARNs their parts."""
        values = [item if name is None else getattr(item, name) for name in self.attributes]
        return [str(values[0])] + [part for value in values for part in str(value).split("/")]

    def look(self, items, asked, lag):
        """What a look shows of the items that are there; asked: parts of ids that the request names."""
        there = {self.names(item)[0]: item for item in items}
        if self.shown is None:
            if asked:
                return items
            self.shown = dict(there)
        for name, item in there.items():
            if name not in self.shown:
                self.hidden[name] = self.hidden.get(name, 0) + 1
                if self.hidden[name] <= lag:
                    continue
            self.shown[name] = copy.copy(item)
        result = [item for name, item in there.items() if name in self.shown]
        for name, item in list(self.shown.items()):
            if name in there or (asked and not asked & set(self.names(item))):
                continue
            self.kept[name] = self.kept.get(name, 0) + 1
            if self.kept[name] <= lag:
                result.append(item)
            else:
                del self.shown[name]
        return result


def texts(value):
    """All texts in a request's parameters."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from texts(inner)


def let_lists_lag(lag):
    """Patch the listings; the function that is returned forgets what they showed, for a reset."""
    lags = {}

    def lagging(old, response, owner, listing):
        result = old(response)
        member, *attributes = LISTINGS[owner, listing]
        if "Credential=lagging/" in response.headers.get("Authorization", ""):
            asked = [t for t in texts(response._get_params()) if re.match(r"arn:|[a-z]+-[0-9a-f]{8,17}$", t)]
            seen = lags.setdefault((owner, listing, response.region), Lag(attributes))
            result.result[member] = seen.look(result.result[member], {t.split("/")[-1] for t in asked}, lag)
        return result

    for owner, listing in LISTINGS:
        instead_of(owner, listing)(functools.partial(lagging, owner=owner, listing=listing))
    return lags.clear


# ------------------------------------------------------------------ requests


def read(environ):
    """A request's operation and parameters."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if environ.get("HTTP_X_AMZ_TARGET"):
        return environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2], json.loads(body or b"{}")
    parameters = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode("latin-1")).items()}
    return parameters.get("Action", ""), parameters


def refusal(start_response, code, message):
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps({"__type": code, "message": message}).encode()]


def application(app, lag):
    """Wrap moto's WSGI application: for several threads, of which one at a time is in moto."""
    in_moto = threading.Lock()
    registering = {}  # family: set when another registration of it arrives
    answers = {}  # (operation, client token): parameters and answer
    forget_lists = let_lists_lag(lag)

    def answer(environ, start_response):
        with in_moto:
            return list(app(environ, start_response))

    def registered(environ, start_response, family):
        another = registering.get(family)
        if another:
            another.set()
            return refusal(
                start_response,
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
            )
        registering[family] = threading.Event()
        try:
            registering[family].wait(REGISTRATION_S)
            return answer(environ, start_response)
        finally:
            del registering[family]

    def once(environ, start_response, key, parameters):
        if key not in answers:
            given = []
            body = answer(environ, lambda *status: given.extend(status))
            if not given[0].startswith("200"):
                start_response(*given)
                return body
            answers[key] = parameters, given, body
        first, given, body = answers[key]
        if first != parameters:
            return refusal(start_response, "IdempotentParameterMismatch", "The token was used with other parameters.")
        start_response(*given)
        return body

    def strict(environ, start_response):
        if environ["PATH_INFO"] == "/moto-api/reset":
            forget_lists()
            answers.clear()
        operation, parameters = read(environ)
        token = parameters.get("ClientToken") or parameters.get("clientToken")
        if operation == "RegisterTaskDefinition":
            return registered(environ, start_response, (environ["HTTP_HOST"], parameters["family"]))
        if token:
            return once(environ, start_response, (operation, token), parameters)
        return answer(environ, start_response)

    return strict
