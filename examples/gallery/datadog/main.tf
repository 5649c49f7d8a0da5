# A monitoring vendor: an AWS policy, a core policy in the role, and, if the
# customer switches it on, the collection of resources: read access to so many
# services that it is divided into several managed policies.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
  support_url  = "https://acme.example/support"
}

locals {
  core = {
    apigateway           = ["GET"]
    autoscaling          = ["Describe*"]
    backup               = ["List*"]
    budgets              = ["ViewBudget"]
    cloudfront           = ["GetDistributionConfig", "ListDistributions"]
    cloudtrail           = ["DescribeTrails", "GetTrailStatus", "LookupEvents"]
    cloudwatch           = ["Describe*", "Get*", "List*"]
    codedeploy           = ["BatchGet*", "List*"]
    directconnect        = ["Describe*"]
    dynamodb             = ["Describe*", "List*"]
    ec2                  = ["Describe*", "GetTransitGatewayPrefixListReferences", "SearchTransitGatewayRoutes"]
    ecs                  = ["Describe*", "List*"]
    elasticache          = ["Describe*", "List*"]
    elasticfilesystem    = ["DescribeAccessPoints", "DescribeFileSystems", "DescribeTags"]
    elasticloadbalancing = ["Describe*"]
    elasticmapreduce     = ["Describe*", "List*"]
    es                   = ["DescribeElasticsearchDomains", "ListDomainNames", "ListTags"]
    events               = ["CreateEventBus"]
    fsx                  = ["DescribeFileSystems", "ListTagsForResource"]
    health               = ["DescribeAffectedEntities", "DescribeEventDetails", "DescribeEvents"]
    kinesis              = ["Describe*", "List*"]
    lambda               = ["GetPolicy", "List*"]
    logs                 = ["DeleteSubscriptionFilter", "DescribeLogGroups", "DescribeLogStreams", "DescribeSubscriptionFilters", "FilterLogEvents", "PutSubscriptionFilter", "TestMetricFilter"]
    organizations        = ["Describe*", "List*"]
    rds                  = ["Describe*", "List*"]
    redshift             = ["DescribeClusters", "DescribeLoggingStatus"]
    route53              = ["List*"]
    s3                   = ["GetBucketLocation", "GetBucketLogging", "GetBucketNotification", "GetBucketTagging", "ListAllMyBuckets", "PutBucketNotification"]
    ses                  = ["Get*"]
    sns                  = ["GetSubscriptionAttributes", "List*", "Publish"]
    sqs                  = ["ListQueues"]
    states               = ["DescribeStateMachine", "ListStateMachines"]
    support              = ["DescribeTrustedAdvisor*", "RefreshTrustedAdvisorCheck"]
    tag                  = ["GetResources", "GetTagKeys", "GetTagValues"]
    xray                 = ["BatchGetTraces", "GetTraceSummaries"]
  }

  # What the collection reads of each of these services.
  collected = [
    "access-analyzer", "account", "acm", "airflow", "amplify", "app-integrations", "appflow", "application-autoscaling", "applicationinsights", "appmesh",
    "apprunner", "appstream", "appsync", "aps", "athena", "auditmanager", "backup-gateway", "batch", "bedrock", "cassandra", "chime", "cleanrooms", "cloud9",
    "cloudhsm", "codeartifact", "codebuild", "codecommit", "codepipeline", "codestar-connections", "cognito-identity", "cognito-idp", "comprehend", "connect",
    "databrew", "datapipeline", "datasync", "dax", "detective", "devicefarm", "devops-guru", "discovery", "dlm", "dms", "docdb-elastic", "drs", "ds", "ecr",
    "eks", "elasticbeanstalk", "elastictranscoder", "emr-containers", "emr-serverless", "entityresolution", "finspace", "firehose", "fis", "forecast",
    "frauddetector", "freetier", "gamelift", "geo", "glacier", "globalaccelerator", "glue", "grafana", "greengrass", "groundstation", "guardduty", "healthlake",
    "identitystore", "imagebuilder", "inspector2", "internetmonitor", "iot", "iotanalytics", "iotevents", "iotsitewise", "iottwinmaker", "iotwireless", "ivs",
    "kafka", "kafkaconnect", "kendra", "kinesisanalytics", "kinesisvideo", "kms", "lakeformation", "lex", "license-manager", "lightsail", "lookoutmetrics",
    "m2", "macie2", "managedblockchain", "mediaconnect", "mediaconvert", "medialive", "mediapackage", "mediastore", "mediatailor", "memorydb", "mgn", "mobiletargeting",
    "mq", "network-firewall", "networkmanager", "oam", "omics", "osis", "outposts", "personalize", "pipes", "private-networks", "profile", "proton", "qbusiness",
    "quicksight", "ram", "rbin", "redshift-serverless", "rekognition", "resiliencehub", "resource-explorer-2", "robomaker", "rolesanywhere", "route53-recovery-readiness",
    "rum", "sagemaker", "scheduler", "schemas", "secretsmanager", "securityhub", "securitylake", "serverlessrepo", "servicecatalog", "servicediscovery", "shield",
    "signer", "snowball", "sso", "storagegateway", "synthetics", "timestream", "transfer", "translate", "trustedadvisor", "verifiedpermissions", "voiceid",
    "vpc-lattice", "waf-regional", "wafv2", "wellarchitected", "wisdom", "workdocs", "workmail", "workspaces", "workspaces-web",
  ]
}

resource "xacct_onboarding_link" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  account_id  = "222222222222"

  role = {
    name                = "AcmeIntegration"
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
    inline_policies = {
      core = jsonencode({
        Version   = "2012-10-17"
        Statement = [{ Effect = "Allow", Resource = "*", Action = flatten([for service, names in local.core : [for name in names : "${service}:${name}"]]) }]
      })
    }
  }

  optional_permissions = {
    resource_collection = {
      description = "Collect the configuration of your resources"
      managed_policies = {
        collection = jsonencode({
          Version   = "2012-10-17"
          Statement = [for service in local.collected : { Effect = "Allow", Resource = "*", Action = ["${service}:Describe*", "${service}:Get*", "${service}:List*"] }]
        })
      }
    }
  }
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
