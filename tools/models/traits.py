"""What the compiler knows of botocore's model format: every key that may occur, at every level.

A key that is not listed here stops the compiler: a new trait may change what goes over the wire, so a person has to
decide between USED and IGNORED.
"""

DOCUMENTATION = "documentation deprecated deprecatedMessage deprecatedSince"

USED = {
    "model": "metadata operations shapes",
    "metadata": "apiVersion auth awsQueryCompatible endpointPrefix jsonVersion protocol protocols serviceId signatureVersion"
    " signingName targetPrefix xmlNamespace",
    "operation": "name http input output errors idempotent readonly staticContextParams operationContextParams authtype auth"
    " unsignedPayload endpoint httpChecksum httpChecksumRequired",
    "http": "method requestUri responseCode",
    "operation endpoint": "hostPrefix",
    "httpChecksum": "requestAlgorithmMember requestChecksumRequired",
    "input": "shape locationName xmlNamespace payload",
    "output": "shape resultWrapper locationName xmlNamespace payload",
    "operation error": "shape",
    "shape": "type members member key value required payload flattened locationName xmlNamespace timestampFormat sensitive"
    " streaming eventstream document union sparse exception error fault retryable",
    "shape error": "code httpStatusCode senderFault",
    "member": "shape location locationName xmlNamespace xmlAttribute queryName flattened timestampFormat idempotencyToken"
    " sensitive jsonvalue streaming hostLabel contextParam eventstream",
    "pagination": "input_token output_token result_key more_results limit_key",
    "waiter": "operation delay maxAttempts acceptors",
    "acceptor": "state matcher argument expected",
    "rule set": "parameters rules",
    "rule parameter": "type default required builtIn",
    "rule": "type conditions rules error endpoint",
    "rule endpoint": "url properties headers",
    "function": "fn argv assign",
}

IGNORED = {
    # clientContextParams repeat what the endpoint rules declare; examples are prose.
    "model": "version examples clientContextParams",
    # protocolSettings tell of HTTP/2, which the transport negotiates; globalEndpoint and checksumFormat are superseded by
    # endpoint rules and by httpChecksum.
    "metadata": "serviceFullName serviceAbbreviation uid protocolSettings globalEndpoint checksumFormat ripServiceName",
    # Compression and discovered endpoints are optional for a client.
    "operation": "requestcompression endpointdiscovery endpointoperation",
    # Checksums of answers are an optional check; TLS protects the bytes.
    "httpChecksum": "requestValidationModeMember responseAlgorithms",
    "operation error": "exception error",
    # Limits are left to the service, whose answer names them.  'wrapper' and 'xmlOrder' have no effect in botocore either.
    # Event streams are not spoken.
    "shape": "min max pattern enum box synthetic xmlOrder wrapper requiresLength event",
    "member": "box enum eventpayload eventheader",
    "pagination": "non_aggregate_keys",
    "waiter": "description",
    "rule set": "version",
}

KNOWN = {
    level: frozenset(f"{DOCUMENTATION} {USED[level]} {IGNORED.get(level, '')}".split()) for level in USED
}


class UnknownTrait(Exception):
    """The model says something that this compiler does not understand."""


def check(level, node, where):
    """Refuse keys of 'node' that are not known at 'level'."""
    unknown = sorted(set(node) - KNOWN[level])
    if unknown:
        raise UnknownTrait(f"{where}: unknown {level} key {', '.join(unknown)}")


def choose(table, key, where):
    """Look a value up in a table of all that are known."""
    if key not in table:
        raise UnknownTrait(f"{where}: unknown value {key!r}")
    return table[key]
