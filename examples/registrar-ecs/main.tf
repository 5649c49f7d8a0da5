# The registrar of a hub on ECS with Fargate: two tasks that share the queue.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70"
    }
    xacct = {
      source = "xacct/xacct"
    }
  }
}

data "xacct_hub" "this" {
  name = var.hub
}

data "aws_partition" "this" {}

locals {
  name      = "xacct-${var.hub}-registrar"
  table_arn = "arn:${data.aws_partition.this.partition}:dynamodb:${data.xacct_hub.this.region}:${data.xacct_hub.this.account_id}:table/${data.xacct_hub.this.table_name}"
}

resource "aws_ecs_task_definition" "registrar" {
  family                   = local.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  task_role_arn            = aws_iam_role.registrar.arn
  execution_role_arn       = aws_iam_role.execution.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "ARM64"
  }

  container_definitions = jsonencode([{
    name      = "registrar"
    image     = var.image
    command   = ["registrar", "--hub", var.hub, "--drain", "30s", "--listen", "0.0.0.0:9464"]
    essential = true

    # More than --drain: messages that are being handled are finished after SIGTERM.
    stopTimeout            = 45
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = false, capabilities = { drop = ["ALL"] } }

    environment  = [{ name = "AWS_REGION", value = data.xacct_hub.this.region }]
    portMappings = [{ name = "watch", containerPort = 9464, protocol = "tcp" }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.registrar.name
        awslogs-region        = data.xacct_hub.this.region
        awslogs-stream-prefix = "registrar"
      }
    }
  }])
}

resource "aws_ecs_service" "registrar" {
  name            = local.name
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.registrar.arn
  launch_type     = "FARGATE"
  desired_count   = 2

  # Never less than one: customers delete stacks during deployments too.
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.registrar.id]
    assign_public_ip = var.assign_public_ip
  }
}

# Out to AWS over HTTPS; in nothing but Prometheus, where you have one.
resource "aws_security_group" "registrar" {
  name        = local.name
  description = "Registrar of xacct hub ${var.hub}"
  vpc_id      = var.vpc_id

  egress {
    description = "AWS"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }

  dynamic "ingress" {
    for_each = var.prometheus_security_group_ids
    content {
      description     = "Figures for Prometheus"
      protocol        = "tcp"
      from_port       = 9464
      to_port         = 9464
      security_groups = [ingress.value]
    }
  }
}

resource "aws_cloudwatch_log_group" "registrar" {
  name              = "/ecs/${local.name}"
  retention_in_days = var.log_retention_days
}
