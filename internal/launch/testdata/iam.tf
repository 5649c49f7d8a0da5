variable "acme_access_enable_billing" {
  description = "Costs: $${not} a template"
  type        = bool
  default     = false
}

variable "acme_access_bucket" {
  description = "A bucket"
  type        = string
  default     = ""
}

data "aws_partition" "acme_access" {}

resource "aws_iam_role" "acme_access" {
  name                 = "acme-globex"
  path                 = "/"
  description          = "A \"role\""
  max_session_duration = 7200

  assume_role_policy = jsonencode({
    "Statement" : [
      {
        "Action" : "sts:AssumeRole",
        "Condition" : {
          "StringEquals" : {
            "sts:ExternalId" : "00ff",
          },
        },
        "Effect" : "Allow",
        "Principal" : {
          "AWS" : "arn:aws:iam::111111111111:root",
        },
      },
    ],
    "Version" : "2012-10-17",
  })

  tags = {
    "team" : "ops",
  }
}

resource "aws_iam_role_policy" "acme_access_1" {
  count = var.acme_access_enable_billing ? 1 : 0
  name  = "costs"
  role  = aws_iam_role.acme_access.id

  policy = jsonencode({
    "Statement" : [
      {
        "Action" : "ce:Get*",
        "Effect" : "Allow",
        "Resource" : "*",
      },
    ],
    "Version" : "2012-10-17",
  })
}

resource "aws_iam_role_policy_attachment" "acme_access_1" {
  role       = aws_iam_role.acme_access.name
  policy_arn = "arn:aws:iam::aws:policy/SecurityAudit"
}

resource "aws_iam_role_policy_attachment" "acme_access_2" {
  count      = var.acme_access_bucket != "" ? 1 : 0
  role       = aws_iam_role.acme_access.name
  policy_arn = aws_iam_policy.acme_access_policy_core[0].arn
}

resource "aws_iam_policy" "acme_access_policy_core" {
  count       = var.acme_access_bucket != "" ? 1 : 0
  name_prefix = "acme-access-PolicyCore-"
  path        = "/"

  policy = jsonencode({
    "Statement" : [
      {
        "Action" : "s3:GetObject",
        "Effect" : "Allow",
        "Resource" : "arn:${data.aws_partition.acme_access.partition}:s3:::${var.acme_access_bucket}/$${aws:username}/*",
      },
    ],
    "Version" : "2012-10-17",
  })
}
