"""boto3 clients of an emulator, each made once."""

import boto3


class Emulator:
    def __init__(self, endpoint, region="us-east-1"):
        self.endpoint, self.region, self.clients = endpoint, region, {}

    def __call__(self, service, region=None):
        key = service, region or self.region
        if key not in self.clients:
            self.clients[key] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=key[1], aws_access_key_id="test", aws_secret_access_key="test"
            )
        return self.clients[key]
