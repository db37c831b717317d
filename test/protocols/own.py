"""What no vector of others has: our own rules, limits, items and tokens, and answers that mean harm (test/fuzz has more).

    own.py FOLDER DRIVER
"""

import base64
import functools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from asking import ask_and_judge  # noqa: E402
from vectors import encode  # noqa: E402

REFUSED, BAD_REPLY, BAD_INPUT = 7, 8, 1  # AwsErrorKind

EC2 = "<DescribeVpcsResponse><requestId>r-1</requestId><vpcSet>%s</vpcSet>%s</DescribeVpcsResponse>"
VPC = "<item><vpcId>v-%d</vpcId><isDefault>true</isDefault><tagSet><item><key>k</key><value>é</value></item></tagSet></item>"
VPC_ITEM = '{"VpcId":"v-%d","IsDefault":true,"Tags":[{"Key":"k","Value":"é"}]}'
ROLE = (
    "<GetRoleResponse><GetRoleResult><Role><AssumeRolePolicyDocument>%s</AssumeRolePolicyDocument></Role></GetRoleResult>"
    "</GetRoleResponse>"
)
VERSIONS = (
    "<ListVersionsResult><Version><Key>a</Key></Version><DeleteMarker><Key>b</Key></DeleteMarker><Version><Key>c</Key></Version>"
    "<DeleteMarker><Key>d</Key></DeleteMarker><IsTruncated>true</IsTruncated><NextKeyMarker>m</NextKeyMarker>"
    "<NextVersionIdMarker>v</NextVersionIdMarker></ListVersionsResult>"
)
OBJECTS = (
    "<ListBucketResult><IsTruncated>%s</IsTruncated><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"
    "</ListBucketResult>"
)
DISTRIBUTIONS = (
    "<DistributionList><NextMarker>n</NextMarker><IsTruncated>true</IsTruncated>"
    "<Items><DistributionSummary><Id>D</Id></DistributionSummary></Items></DistributionList>"
)
ATTRIBUTES = (
    "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>%s</Attributes></GetTopicAttributesResult>"
    "</GetTopicAttributesResponse>"
)
TIME = "Action=DescribeSpotPriceHistory&Version=2016-11-15&StartTime=%s"
ENTRY = "<entry><key>k%d</key><value>v</value></entry>"


def bad(why):
    return {"kind": BAD_REPLY, "message": f"the answer cannot be used: {why}"}


# operation, input (a value, or text as it is), then what the request has, or the error's message and a part of its hint
REQUESTS = [
    ("ec2 DescribeVpcs", {"Filters": [{"Nmae": "x"}]}, 'parameter "Filters[0].Nmae" does not exist', "Name"),
    ("ec2 DescribeVpcs", {"VpcId": ["v"]}, 'parameter "VpcId" does not exist', "VpcIds"),
    ("ec2 DescribeVpcs", {"VpcIds": "v"}, 'parameter "VpcIds" must be a list, not a string', None),
    ("ec2 DescribeVpcs", {"VpcIds": [None]}, 'parameter "VpcIds[0]" must be a value, not null', None),
    ("ec2 DescribeVpcs",
     {"Filters": [{"Name": 1}]}, 'parameter "Filters[0].Name" must be a string, not a number', None),
    ("ec2 DescribeVpcs",
     {"MaxResults": 2**31}, 'parameter "MaxResults" must be a whole number of 32 bits, not a number', None),
    ("ec2 DescribeVpcs",
     {"MaxResults": 1.5}, 'parameter "MaxResults" must be a whole number of 32 bits, not a number', None),
    ("ec2 DescribeVpcs", {"DryRun": "true"}, 'parameter "DryRun" must be a boolean, not a string', None),
    ("ec2 DescribeVpcs", "[]", "the input must be a JSON object", None),
    ("ec2 DescribeVpcs", "{", "the input is not valid JSON: it ends too early", None),
    ("ec2 DescribeVpcs", '{"a" 1}', "the input is not valid JSON: the JSON syntax is wrong", None),
    ("ec2 DescribeVpcs", '{"VpcIds": ' + "[" * 200, "the input is not valid JSON: it is nested too deeply", None),
    ("ec2 DescribeVpcs", {"VpcIds": None}, {"body": "Action=DescribeVpcs&Version=2016-11-15"}, None),
    ("ec2 DescribeVpcs", "", {"body": "Action=DescribeVpcs&Version=2016-11-15", "path": "/", "method": "POST"}, None),
    ("ec2 DeleteVpc", {}, 'parameter "VpcId" is required', None),
    ("ec2 RunInstances", {"MinCount": 1, "MaxCount": 1, "UserData": "#!x", "ClientToken": "t"},
     {"body": "Action=RunInstances&Version=2016-11-15&MaxCount=1&MinCount=1&UserData=IyF4&ClientToken=t"}, None),
    ("ecs TagResource", {"resourceArn": "a", "tags": {}}, 'parameter "tags" must be a list, not an object', None),
    ("lambda Invoke", {"FunctionName": "f", "Payload": "?"}, 'parameter "Payload" must be a string in base64, not a string', None),
    ("lambda GetFunction", {"FunctionName": ""}, 'parameter "FunctionName" must not be empty', None),
    ("cloudwatch GetMetricData", {"StartTime": "soon", "EndTime": 1, "MetricDataQueries": []},
     'parameter "StartTime" must be a timestamp such as "2020-01-01T00:00:00Z", not a string', None),
    ("s3 GetBucketPolicy", {"Bucket": "b"}, {"path": "", "query": "policy", "method": "GET", "flags": 4}, None),
    ("s3 GetObject", {"Bucket": "b", "Key": "a/b c"}, {"path": "/a/b%20c", "query": ""}, None),
    ("s3 PutBucketPolicy", {"Bucket": "b", "Policy": "123456789"},
     {"body": "123456789", "x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-sdk-checksum-algorithm": "CRC32"}, None),
    ("s3 PutBucketPolicy", {"Bucket": "b", "Policy": "", "ChecksumAlgorithm": "SHA256"},
     {"x-amz-checksum-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, None),
    ("s3 PutBucketPolicy", {"Bucket": "b", "Policy": "", "ChecksumAlgorithm": "CRC9"},
     'checksum algorithm "CRC9" is none of CRC32, SHA1 and SHA256', None),
    ("s3 PutObject", {"Bucket": "b", "Key": "k", "Metadata": {"a": "x\ny"}},
     'the value of header "x-amz-meta-a" has a control character', None),
    ("s3 PutObject", {"Bucket": "b", "Key": "k", "Metadata": {"a:b": "x"}},
     'parameter "Metadata" has a key that cannot be a header\'s name', None),
    ("s3control GetPublicAccessBlock", {"AccountId": "1"}, {"host_prefix": "", "x-amz-account-id": "1"}, None),
    ("route53 GetHostedZone", {"Id": "/hostedzone/Z1"}, {"path": "/2013-04-01/hostedzone/Z1"}, None),
    ("route53 GetChange", {"Id": "/change/C1"}, {"path": "/2013-04-01/change/C1"}, None),
    ("apigateway GetRestApis", {}, {"Accept": "application/json", "path": "/restapis"}, None),
    ("glacier ListVaults", {}, {"path": "/-/vaults", "x-amz-glacier-version": "2012-06-01"}, None),
    ("servicediscovery DiscoverInstances", {"NamespaceName": "n", "ServiceName": "s"}, {"host_prefix": "data-"}, None),
    ("sts AssumeRoleWithWebIdentity", {"RoleArn": "a" * 20, "RoleSessionName": "s", "WebIdentityToken": "t"},
     {"flags": 1}, None),
    ("sqs ReceiveMessage", {"QueueUrl": "q"},
     {"x-amzn-query-mode": "true", "X-Amz-Target": "AmazonSQS.ReceiveMessage", "body": '{"QueueUrl":"q"}'}, None),
    ("lexv2-runtime StartConversation", {}, "which is not supported", None),
    ("sdb ListDomains", {}, "which is not supported", None),
    *(("ec2 DescribeSpotPriceHistory", {"StartTime": given}, {"body": TIME % written.replace(":", "%3A")}, None) for given, written in [
        ("2014-04-29", "2014-04-29T00:00:00Z"),
        ("2014-04-29 18:30", "2014-04-29T18:30:00Z"),
        ("2014-04-29T18:30:38.000000001Z", "2014-04-29T18:30:38.000000001Z"),
        ("2014-04-29T18:30:38.0001+01:30", "2014-04-29T17:00:38.000100Z"),
        ("2014-04-29T23:30:38-0130", "2014-04-30T01:00:38Z"),
        ("Tue, 29 Apr 2014 18:30:38.5 GMT", "2014-04-29T18:30:38.500Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
        (-1, "1969-12-31T23:59:59Z"),
        ("1.5e3", "1970-01-01T00:25:00Z"),
        ("150e-2", "1970-01-01T00:00:01.500Z"),
    ]),
    *(("ec2 DescribeSpotPriceHistory", {"StartTime": given}, 'parameter "StartTime" must be a timestamp', None) for given in [
        "2014-04", "2014-04-29T", "2014-04-29T18:30:3", "2014-04-29T18:30:38EST", "2014-04-29T18:30:38+1", "2014-04-29T18:30:38+01:6",
        "2014-04-29T18:30:38+01:60", "2014-02-30", "2014-04-29T24:00:00Z", "Tue, 29", "Tue, x Apr 2014 18:30:38 GMT",
        "Tue, 29 Foo 2014 18:30:38 GMT", "Tue, 29 Apr 14 18:30:38 GMT", "Tue, 29 Apr 2014 18:30 GMT", ".", "1e", "1x", "1e12", "-1e11",
        "1" * 65,
    ]),
    *(("events PutEvents", {"Entries": [{"Time": given}]}, {"body": '{"Entries":[{"Time":%s}]}' % written}, None) for given, written in [
        (1.5, "1.5"), (-0.5, "-0.5"), (-1.25, "-1.25"), ("1970-01-01T00:00:00.000000001Z", "0.000000001"), (-2, "-2"),
    ]),
]  # fmt: skip

# operation, items, status, headers, body, then a part of what comes: items, result, tokens, error
ANSWERS = [
    ("ec2 DescribeVpcs", "Vpcs", 200, {}, EC2 % (VPC % 1 + VPC % 2, "<nextToken>t</nextToken>"),
     {"items": [VPC_ITEM % 1, VPC_ITEM % 2], "result": '{"NextToken":"t"}', "more": True, "tokens": ['"t"'], "request_id": "r-1"}),
    ("ec2 DescribeVpcs", "", 200, {}, EC2 % (VPC % 1, ""),
     {"items": [VPC_ITEM % 1], "result": "{}", "more": False, "tokens": []}),
    ("ec2 DescribeVpcs", "", 200, {}, EC2 % ("", "<nextToken/>"), {"items": [], "more": False}),
    ("ec2 DescribeVpcs", None, 200, {}, EC2 % (VPC % 1, ""),
     {"items": [], "result": '{"Vpcs":[' + VPC_ITEM % 1 + "]}"}),
    ("ec2 DescribeVpcs", "Vpc", 200, {}, "",
     {"kind": BAD_INPUT, "message": 'the output of "DescribeVpcs" has no list "Vpc"'}),
    ("ec2 DescribeVpcs", "NextToken", 200, {}, "", {"kind": BAD_INPUT}),
    ("ec2 DescribeVpcs", "", 200, {}, "", bad("it is empty")),
    ("ec2 DescribeVpcs", "", 200, {}, "<html><body/></html>", bad("it is an HTML page")),
    ("ec2 DescribeVpcs", "", 200, {}, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
     bad("it has a document type")),
    ("ec2 DescribeVpcs", "", 200, {}, (EC2 % (VPC % 1 + VPC % 2, ""))[:-100],
     {"kind": BAD_REPLY, "items": [VPC_ITEM % 1]}),
    ("ec2 DescribeVpcs", "", 200, {}, (EC2 % (VPC % 1, "")).encode().replace("é".encode(), b"\xe9"),
     {"kind": BAD_REPLY, "items": []}),
    ("ec2 DescribeVpcs", "", 200, {}, EC2 % (VPC % 1, "") + "x", {"kind": BAD_REPLY}),
    ("ec2 DescribeVpcs", None, 200, {}, "<r>" + "<vpcSet><item>" * 50 + "</item></vpcSet>" * 50 + "</r>",
     {"result": '{"Vpcs":[{}]}'}),
    ("ec2 DescribeVpcs", None, 200, {}, "<r><x>" + "<y>" * 200, bad("it is nested too deeply")),
    ("ec2 DescribeVpcs", None, 400, {}, "<r><Error><Code>C</Code>" + "<y>" * 200, {"kind": REFUSED, "code": "C"}),
    ("iam ListRoles", "Roles", 200, {}, "<ListRolesResponse><Roles/></ListRolesResponse>",
     bad('it has no element "ListRolesResult"')),
    ("iam GetRole", None, 200, {}, ROLE % "%7B%22a%22%3A%20%22%C3%A9%22%7D",
     {"result": r'{"Role":{"AssumeRolePolicyDocument":"{\"a\": \"é\"}"}}'}),
    ("iam GetRole", None, 200, {}, ROLE % '{"a%41":1}',
     {"result": r'{"Role":{"AssumeRolePolicyDocument":"{\"a%41\":1}"}}'}),
    ("iam GetRole", None, 200, {}, ROLE % "%7B%FF", {"result": r'{"Role":{"AssumeRolePolicyDocument":"%7B%FF"}}'}),
    ("sns GetTopicAttributes", "Attributes", 200, {}, ATTRIBUTES % (ENTRY % 1 + ENTRY % 2),
     {"items": ['{"key":"k1","value":"v"}', '{"key":"k2","value":"v"}'], "result": "{}"}),
    ("sns GetTopicAttributes", None, 200, {}, ATTRIBUTES % (ENTRY % 1 + ENTRY % 2),
     {"result": '{"Attributes":{"k1":"v","k2":"v"}}'}),
    ("sns GetTopicAttributes", None, 200, {}, ATTRIBUTES % "<entry><value>v</value><key>k</key></entry>",
     {"kind": BAD_REPLY}),
    ("sns GetTopicAttributes", None, 200, {}, ATTRIBUTES % "<entry><key>k</key></entry>",
     {"result": '{"Attributes":{}}'}),
    ("s3 ListObjectVersions", "", 200, {}, VERSIONS,
     {"items": ['{"Key":"a"}', '{"Key":"c"}'], "more": True, "tokens": ['"m"', '"v"'],
      "result": '{"IsTruncated":true,"NextKeyMarker":"m","NextVersionIdMarker":"v","DeleteMarkers":[{"Key":"b"},{"Key":"d"}]}'}),
    ("s3 ListObjects", "Contents", 200, {}, OBJECTS % "true",
     {"items": ['{"Key":"a"}', '{"Key":"b"}'], "more": True, "tokens": ['"b"']}),
    ("s3 ListObjects", "Contents", 200, {}, OBJECTS % "false", {"more": False}),
    ("s3 GetBucketLocation", None, 200, {}, '<LocationConstraint xmlns="x">eu-west-1</LocationConstraint>',
     {"result": '{"LocationConstraint":"eu-west-1"}'}),
    ("s3 GetBucketLocation", None, 200, {}, "<LocationConstraint/>", {"result": '{"LocationConstraint":""}'}),
    ("s3 CopyObject", None, 200, {}, "<Error><Code>SlowDown</Code><Message>m</Message></Error>",
     {"kind": REFUSED, "code": "SlowDown", "message": "m", "status": 500}),
    ("s3 HeadBucket", None, 404, {"x-amz-request-id": "q"}, "",
     {"kind": REFUSED, "code": "404", "status": 404, "request_id": "q"}),
    ("s3 GetObject", None, 200, {"ETag": "e", "Content-Length": "3"}, b"\x00\xff\x01",
     {"result": '{"ContentLength":3,"ETag":"e","Metadata":{},"Body":"AP8B"}'}),
    ("s3 GetBucketPolicy", None, 200, {}, b'{"a":"\xff"}', bad("it is not valid UTF-8")),
    ("s3 GetBucketPolicy", None, 200, {}, '{"a":1}', {"result": r'{"Policy":"{\"a\":1}"}'}),
    ("s3 DeleteBucket", None, 204, {}, "", {"result": "{}"}),
    ("cloudfront ListDistributions", "", 200, {}, DISTRIBUTIONS,
     {"items": ['{"Id":"D"}'], "result": '{"DistributionList":{"NextMarker":"n","IsTruncated":true}}', "more": True, "tokens": ['"n"']}),
    ("cloudfront ListDistributions", "", 200, {}, DISTRIBUTIONS.replace("true", "false"), {"more": False}),
    ("ecs ListClusters", "", 200, {}, '{"nextToken":"t","clusterArns":["a",null,"\\u0000\\ud800"],"x":[{"y":[]}]}',
     {"items": ['"a"', '"\\u0000\\ud800"'], "result": '{"nextToken":"t"}', "more": True}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":null}', {"items": [], "result": "{}", "more": False}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":{}}',
     bad("what should be the list of items is none")),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":""}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", None, 200, {}, '{"clusterArns":{"a":[1,{"b":null}]}}',
     {"result": '{"clusterArns":{"a":[1,{"b":null}]}}'}),
    ("ecs ListClusters", "", 200, {}, "null", {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, "[]", bad("it is not a JSON object")),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":["a"]', {"kind": BAD_REPLY, "items": ['"a"']}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":["a"]}}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, b'{"clusterArns":["\xc0\xaf"]}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, b'{"clusterArns":["\xed\xa0\x80"]}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":["a\nb"]}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":[01]}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, '{"clusterArns":[tru]}', {"kind": BAD_REPLY}),
    ("ecs ListClusters", "", 200, {}, '{"cluster\\u0041rns":["a"]}', {"items": ['"a"']}),
    ("ecs ListClusters", None, 200, {}, '{"x":' + "[" * 300 + "]" * 300 + "}",
     bad("the JSON is wrong: it is nested too deeply")),
    ("ecs CreateCluster", None, 200, {}, '{"cluster":{"registeredContainerInstancesCount":12345678901234567890.10}}',
     {"result": '{"cluster":{"registeredContainerInstancesCount":12345678901234567890.10}}'}),
    ("ecs DescribeServices", "services", 200, {}, '{"services":[{"createdAt":1.5e9,"serviceName":"s"}],"failures":[]}',
     {"items": ['{"createdAt":"2017-07-14T02:40:00Z","serviceName":"s"}'], "result": '{"failures":[]}'}),
    ("ecs ListClusters", "", 400,
     {"x-amzn-RequestId": "q"}, '{"__type":"a.b#ClusterNotFoundException","message":"no \\u00e9"}',
     {"kind": REFUSED, "code": "ClusterNotFoundException", "message": "no é", "request_id": "q", "status": 400}),
    ("ecs ListClusters", "", 503, {}, "<html><body>busy</body></html>",
     {"kind": REFUSED, "code": None, "message": "the service answered with HTTP status 503", "status": 503}),
    ("ec2 DescribeVpcs", "", 500, {}, "<!DOCTYPE html><html><br></html>",
     {"kind": REFUSED, "code": None, "status": 500}),
    ("ec2 DescribeVpcs", "", 400, {}, "<Response><Errors><Error><Code>C</Code><Message>M</Message></Error><Error><Code>D</Code></Error></Errors>"
     "<RequestID>R</RequestID></Response>", {"kind": REFUSED, "code": "C", "message": "M", "request_id": "R"}),
    ("iam ListRoles", "", 403, {}, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
     {"kind": REFUSED, "code": "AccessDenied", "message": "no"}),
    ("route53 ChangeResourceRecordSets", None, 400, {}, "<InvalidChangeBatch><Messages><Message>bad</Message></Messages><RequestId>R</RequestId>"
     "</InvalidChangeBatch>", {"kind": REFUSED, "code": "InvalidChangeBatch", "message": "bad", "request_id": "R"}),
    ("sqs GetQueueUrl", None, 400, {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
     '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}', {"code": "AWS.SimpleQueueService.NonExistentQueue", "message": "m"}),
    ("lambda GetFunction", None, 404, {"x-amzn-ErrorType": "ResourceNotFoundException:http://x/"}, '{"Message":"m"}',
     {"code": "ResourceNotFoundException", "message": "m"}),
    ("s3 HeadBucket", None, 200, {"x-amz-bucket-region": b"\xe9".decode("latin-1")}, "",
     {"result": '{"BucketRegion":"é"}'}),
]  # fmt: skip

# the same with limits: depth, bytes
LIMITED = [
    ("ec2 DescribeVpcs", None, 200, {}, EC2 % (VPC % 1, ""), bad("it is nested too deeply"), 4, 0),
    ("ec2 DescribeVpcs", None, 200, {}, EC2 % (VPC % 1, ""), {"kind": BAD_REPLY}, 0, 100),
    ("ec2 DescribeVpcs", None, 400, {}, "<a>" + " " * 500, {"kind": BAD_REPLY}, 0, 100),
    ("s3 GetObject", None, 200, {}, "x" * 101, {"kind": BAD_REPLY}, 0, 100),
    # elements that are short on the wire and long in JSON
    ("ec2 DescribeSecurityGroups", None, 200, {}, "<r><securityGroupInfo>" + "<item><ipPermissions/></item>" * 100 + "</securityGroupInfo></r>",
     {"kind": None}, 0, 3500),
    ("s3 ListObjectVersions", None, 200, {}, "<r>" + "<DeleteMarker><Key/></DeleteMarker>" * 40 + "</r>",
     {"kind": None}, 0, 1500),
    ("cloudwatch GetMetricData", None, 200, {}, '{"Messages":[' + ",".join(['{"Code":"1"}'] * 40) + "]}",
     {"kind": None}, 0, 900),
]  # fmt: skip


def reply_question(operation, items, status, headers, body, depth=0, limit=0):
    model, _, name = operation.partition(" ")
    return {"model": model, "operation": name, "items": items, "status": status, "headers": list(map(list, headers.items())),
            "body": encode(body), "depth": depth, "bytes": limit}  # fmt: skip


def is_json(text):
    def refuse(constant):
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
        return True
    except ValueError:
        return False


def outcome(answer):
    """An answer without the words for what is wrong, which in expat's case depend on the pieces."""
    error = {key: value for key, value in answer.get("error", {}).items() if key != "message"}
    return {**{key: value for key, value in answer.items() if key != "unstable"}, "error": error}


def judge_any(answer):
    texts = [*answer.get("items", ()), *filter(None, [answer.get("result")]), *answer.get("tokens", ())]
    stable = outcome(answer.get("unstable", answer)) == outcome(answer)
    return None if stable and all(map(is_json, texts)) else json.dumps(answer)


def judge_request(answer, wanted, hint):
    if isinstance(wanted, str):
        error = answer.get("error", {})
        good = error.get("kind") == BAD_INPUT and wanted in error["message"] and (hint or "") in error.get("hint", "")
        return None if good else json.dumps(answer)
    if "error" in answer:
        return json.dumps(answer)
    got = {**answer, **dict(answer["headers"]), "body": base64.b64decode(answer["body"]).decode()}
    return None if all(got.get(key) == value for key, value in wanted.items()) else json.dumps(got)


def judge_answer(answer, wanted, limited):
    if limited:  # how much of it came before the limit depends on the pieces
        answer.pop("unstable", None)
    got = {"kind": None, "code": None, **answer.get("error", {}), **{key: answer[key] for key in answer if key != "error"}}
    good = judge_any(answer) is None and all(got.get(key) == value for key, value in wanted.items())
    good = good and ("error" in answer) == bool(wanted.get("kind") or "code" in wanted)
    return None if good else json.dumps(answer, ensure_ascii=False)


def call(judge, wanted, answer):
    return judge(answer, *wanted)


def main():
    folder, driver = sys.argv[1:]
    cases = []
    for operation, given, wanted, hint in REQUESTS:
        model, _, name = operation.partition(" ")
        question = {"model": model, "operation": name, "input": given if isinstance(given, str) else json.dumps(given)}
        cases.append((operation, question, judge_request, wanted, hint))
    for operation, items, status, headers, body, wanted, *limits in [*ANSWERS, *LIMITED]:
        question = reply_question(operation, items, status, headers, body, *limits)
        cases.append((operation, question, judge_answer, wanted, limits))
        if limits and wanted["kind"] is None:  # the limit is just wide enough: half of it is not
            cases.append((operation, {**question, "bytes": limits[1] // 2}, judge_answer, {"kind": BAD_REPLY}, True))
    named = [(f"{case[0]} {json.dumps(case[1])}", case[1], functools.partial(call, case[2], case[3:])) for case in cases]
    ask_and_judge(folder, driver, named)


main()
