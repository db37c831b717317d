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
    ec2   = "{url}"
    ecr   = "{url}"
    ecs   = "{url}"
    elbv2 = "{url}"
    iam   = "{url}"
    logs  = "{url}"
    sts   = "{url}"
  }}
}}
"""
WORK = {
    "W1": """
data "aws_vpc" "default" {{ default = true }}
data "aws_subnets" "default" {{
  filter {{
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }}
}}
resource "aws_security_group" "bench" {{
  name        = "quickstart-security-group"
  description = "quickstart security group"
  vpc_id      = data.aws_vpc.default.id
  ingress {{
    protocol    = "tcp"
    from_port   = 8088
    to_port     = 8088
    cidr_blocks = ["0.0.0.0/0"]
  }}
  egress {{
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}
resource "aws_lb_target_group" "bench" {{
  name        = "quickstart-target"
  target_type = "ip"
  protocol    = "HTTP"
  port        = 8088
  vpc_id      = data.aws_vpc.default.id
  health_check {{ path = "/health" }}
}}
resource "aws_lb" "bench" {{
  name            = "quickstart-load-balancer"
  security_groups = [aws_security_group.bench.id]
  subnets         = slice(data.aws_subnets.default.ids, 0, 3)
}}
resource "aws_lb_listener" "bench" {{
  load_balancer_arn = aws_lb.bench.arn
  port              = 8088
  protocol          = "HTTP"
  default_action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.bench.arn
  }}
}}
resource "aws_cloudwatch_log_group" "bench" {{ name = "quickstart-log-group" }}
resource "aws_ecr_repository" "bench" {{ name = "quickstart-repository" }}
resource "aws_ecs_cluster" "bench" {{ name = "quickstart-cluster" }}
resource "aws_iam_role" "bench" {{
  name = "ecsTaskExecRole-"
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [{{
    Effect = "Allow", Principal = {{ Service = "ecs-tasks.amazonaws.com" }}, Action = "sts:AssumeRole" }}] }})
}}
resource "aws_iam_role_policy_attachment" "bench" {{
  role       = aws_iam_role.bench.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}}
resource "aws_ecs_task_definition" "bench" {{
  family                   = "quickstart-td"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 2048
  memory                   = 8192
  task_role_arn            = aws_iam_role.bench.arn
  execution_role_arn       = aws_iam_role.bench.arn
  container_definitions = jsonencode([{{
    name = "quickstart-container", image = "${{aws_ecr_repository.bench.repository_url}}:latest", essential = true
    memoryReservation = 8192, portMappings = [{{ containerPort = 8088, hostPort = 8088, protocol = "tcp" }}]
    logConfiguration = {{ logDriver = "awslogs", options = {{ "awslogs-group" = aws_cloudwatch_log_group.bench.name,
      "awslogs-region" = "us-east-1", "awslogs-stream-prefix" = "quickstart" }} }} }}])
}}
resource "aws_ecs_service" "bench" {{
  name            = "quickstart-service"
  cluster         = aws_ecs_cluster.bench.id
  task_definition = aws_ecs_task_definition.bench.arn
  desired_count   = 1
  launch_type     = "FARGATE"
  network_configuration {{
    assign_public_ip = true
    security_groups  = [aws_security_group.bench.id]
    subnets          = slice(data.aws_subnets.default.ids, 0, 3)
  }}
  load_balancer {{
    target_group_arn = aws_lb_target_group.bench.arn
    container_name   = "quickstart-container"
    container_port   = 8088
  }}
  depends_on = [aws_lb_listener.bench]
}}
""",
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
