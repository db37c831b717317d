"""The same work with Terraform, where it and its AWS provider are installed."""
import os
import shutil
import subprocess

from lab import BUILD, measure_peer

PROVIDER = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region                      = "us-east-1"
  access_key                  = "123456789012"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {{
    ec2 = "{url}"
    iam = "{url}"
    sts = "{url}"
  }}
}}
"""
WORK = {
    "W2": """
data "aws_vpc" "default" {{ default = true }}
resource "aws_security_group" "bench" {{
  count       = {n}
  name        = "terraform-${{count.index}}"
  description = "bench"
  vpc_id      = data.aws_vpc.default.id
  dynamic "ingress" {{
    for_each = [{first}, 8001, 8002, 8003]
    content {{
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = ["10.0.0.0/8"]
    }}
  }}
}}
""",
    "W3": """
resource "aws_iam_role" "bench" {{
  count       = {n}
  name        = "terraform-${{count.index}}"
  description = "bench {first}"
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [{{
    Effect = "Allow", Principal = {{ Service = "lambda.amazonaws.com" }}, Action = "sts:AssumeRole" }}] }})
}}
resource "aws_iam_role_policy_attachment" "bench" {{
  count      = {n}
  role       = aws_iam_role.bench[count.index].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}}
""",
}


class Terraform:
    """A folder with the configuration of one workload; .usable says whether Terraform found its provider."""

    def __init__(self, workload, n, url):
        self.workload, self.n, self.url = workload, n, url
        self.folder = BUILD / "terraform"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.usable = shutil.which("terraform") is not None and self.init()

    def write(self, first):
        text = (PROVIDER + WORK[self.workload]).format(n=self.n, url=self.url, first=first)
        (self.folder / "main.tf").write_text(text)

    def init(self):
        """Prepare the folder with the provider of $BENCH_TERRAFORM_PLUGINS, a mirror folder; without one there is none."""
        plugins = os.environ.get("BENCH_TERRAFORM_PLUGINS")
        self.write(8000)
        if plugins is None:
            return False
        command = ["terraform", f"-chdir={self.folder}", "init", f"-plugin-dir={plugins}", "-no-color"]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def run(self, phase, endpoint, delay):
        """Do one phase; return its figures."""
        self.write(8080 if phase in ("change", "destroy") else 8000)
        verb = {"nothing": ["plan"], "destroy": ["destroy", "-auto-approve"]}.get(phase, ["apply", "-auto-approve"])
        return measure_peer(endpoint, delay, "terraform", f"-chdir={self.folder}", *verb, "-no-color", "-parallelism=10",
                            quiet=True)
