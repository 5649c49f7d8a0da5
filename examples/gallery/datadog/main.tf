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
  collected = {
    "access-analyzer"            = ["Get*", "List*"]
    account                      = ["Get*", "List*"]
    acm                          = ["Describe*", "Get*", "List*"]
    airflow                      = ["Get*", "List*"]
    amplify                      = ["Get*", "List*"]
    "app-integrations"           = ["Get*", "List*"]
    appflow                      = ["Describe*", "List*"]
    "application-autoscaling"    = ["Describe*", "Get*", "List*"]
    applicationinsights          = ["Describe*", "List*"]
    appmesh                      = ["Describe*", "Get*", "List*"]
    apprunner                    = ["Describe*", "List*"]
    appstream                    = ["Describe*", "Get*", "List*"]
    appsync                      = ["Get*", "List*"]
    aps                          = ["Describe*", "Get*", "List*"]
    athena                       = ["Get*", "List*"]
    auditmanager                 = ["Get*", "List*"]
    "backup-gateway"             = ["Get*", "List*"]
    batch                        = ["Describe*", "Get*", "List*"]
    bedrock                      = ["Get*", "List*"]
    cassandra                    = ["Get*", "List*"]
    chime                        = ["Describe*", "Get*", "List*"]
    cleanrooms                   = ["Get*", "List*"]
    cloud9                       = ["Describe*", "Get*", "List*"]
    cloudhsm                     = ["Describe*", "Get*", "List*"]
    codeartifact                 = ["Describe*", "Get*", "List*"]
    codebuild                    = ["Describe*", "Get*", "List*"]
    codecommit                   = ["Describe*", "Get*", "List*"]
    codepipeline                 = ["Get*", "List*"]
    "codestar-connections"       = ["Get*", "List*"]
    "cognito-identity"           = ["Describe*", "Get*", "List*"]
    "cognito-idp"                = ["Describe*", "Get*", "List*"]
    comprehend                   = ["Describe*", "List*"]
    connect                      = ["Describe*", "Get*", "List*"]
    databrew                     = ["Describe*", "List*"]
    datapipeline                 = ["Describe*", "Get*", "List*"]
    datasync                     = ["Describe*", "List*"]
    dax                          = ["Describe*", "Get*", "List*"]
    detective                    = ["Describe*", "Get*", "List*"]
    devicefarm                   = ["Get*", "List*"]
    "devops-guru"                = ["Describe*", "Get*", "List*"]
    discovery                    = ["Describe*", "Get*", "List*"]
    dlm                          = ["Get*", "List*"]
    dms                          = ["Describe*", "Get*", "List*"]
    "docdb-elastic"              = ["Get*", "List*"]
    drs                          = ["Describe*", "Get*", "List*"]
    ds                           = ["Describe*", "Get*", "List*"]
    ecr                          = ["Describe*", "Get*", "List*"]
    eks                          = ["Describe*", "List*"]
    elasticbeanstalk             = ["Describe*", "List*"]
    elastictranscoder            = ["List*"]
    "emr-containers"             = ["Describe*", "Get*", "List*"]
    "emr-serverless"             = ["Get*", "List*"]
    entityresolution             = ["Get*", "List*"]
    finspace                     = ["Get*", "List*"]
    firehose                     = ["Describe*", "List*"]
    fis                          = ["Get*", "List*"]
    forecast                     = ["Describe*", "Get*", "List*"]
    frauddetector                = ["Describe*", "Get*", "List*"]
    freetier                     = ["Get*", "List*"]
    gamelift                     = ["Describe*", "Get*", "List*"]
    geo                          = ["Describe*", "Get*", "List*"]
    glacier                      = ["Describe*", "Get*", "List*"]
    globalaccelerator            = ["Describe*", "List*"]
    glue                         = ["Describe*", "Get*", "List*"]
    grafana                      = ["Describe*", "List*"]
    greengrass                   = ["Describe*", "Get*", "List*"]
    groundstation                = ["Describe*", "Get*", "List*"]
    guardduty                    = ["Describe*", "Get*", "List*"]
    healthlake                   = ["Describe*", "Get*", "List*"]
    identitystore                = ["Describe*", "Get*", "List*"]
    imagebuilder                 = ["Get*", "List*"]
    inspector2                   = ["Describe*", "Get*", "List*"]
    internetmonitor              = ["Get*", "List*"]
    iot                          = ["Describe*", "Get*", "List*"]
    iotanalytics                 = ["Describe*", "Get*", "List*"]
    iotevents                    = ["Describe*", "Get*", "List*"]
    iotsitewise                  = ["Describe*", "Get*", "List*"]
    iottwinmaker                 = ["Get*", "List*"]
    iotwireless                  = ["Get*", "List*"]
    ivs                          = ["Get*", "List*"]
    kafka                        = ["Describe*", "Get*", "List*"]
    kafkaconnect                 = ["Describe*", "List*"]
    kendra                       = ["Describe*", "Get*", "List*"]
    kinesisanalytics             = ["Describe*", "Get*", "List*"]
    kinesisvideo                 = ["Describe*", "Get*", "List*"]
    kms                          = ["Describe*", "Get*", "List*"]
    lakeformation                = ["Describe*", "Get*", "List*"]
    lex                          = ["Describe*", "Get*", "List*"]
    "license-manager"            = ["Get*", "List*"]
    lightsail                    = ["Get*"]
    lookoutmetrics               = ["Describe*", "Get*", "List*"]
    m2                           = ["Get*", "List*"]
    macie2                       = ["Describe*", "Get*", "List*"]
    managedblockchain            = ["Get*", "List*"]
    mediaconnect                 = ["Describe*", "Get*", "List*"]
    mediaconvert                 = ["Describe*", "Get*", "List*"]
    medialive                    = ["Describe*", "Get*", "List*"]
    mediapackage                 = ["Describe*", "List*"]
    mediastore                   = ["Describe*", "Get*", "List*"]
    mediatailor                  = ["Describe*", "Get*", "List*"]
    memorydb                     = ["Describe*", "List*"]
    mgn                          = ["Describe*", "Get*", "List*"]
    mobiletargeting              = ["Get*", "List*"]
    mq                           = ["Describe*", "List*"]
    "network-firewall"           = ["Describe*", "Get*", "List*"]
    networkmanager               = ["Describe*", "Get*", "List*"]
    oam                          = ["Get*", "List*"]
    omics                        = ["Get*", "List*"]
    osis                         = ["Get*", "List*"]
    outposts                     = ["Get*", "List*"]
    personalize                  = ["Describe*", "Get*", "List*"]
    pipes                        = ["Describe*", "List*"]
    "private-networks"           = ["Get*", "List*"]
    profile                      = ["Get*", "List*"]
    proton                       = ["Get*", "List*"]
    qbusiness                    = ["Get*", "List*"]
    quicksight                   = ["Describe*", "Get*", "List*"]
    ram                          = ["Get*", "List*"]
    rbin                         = ["Get*", "List*"]
    "redshift-serverless"        = ["Describe*", "Get*", "List*"]
    rekognition                  = ["Describe*", "Get*", "List*"]
    resiliencehub                = ["Describe*", "List*"]
    "resource-explorer-2"        = ["Get*", "List*"]
    robomaker                    = ["Describe*", "Get*", "List*"]
    rolesanywhere                = ["Get*", "List*"]
    "route53-recovery-readiness" = ["Get*", "List*"]
    rum                          = ["Get*", "List*"]
    sagemaker                    = ["Describe*", "Get*", "List*"]
    scheduler                    = ["Get*", "List*"]
    schemas                      = ["Describe*", "Get*", "List*"]
    secretsmanager               = ["Describe*", "Get*", "List*"]
    securityhub                  = ["Describe*", "Get*", "List*"]
    securitylake                 = ["Get*", "List*"]
    serverlessrepo               = ["Get*", "List*"]
    servicecatalog               = ["Describe*", "Get*", "List*"]
    servicediscovery             = ["Get*", "List*"]
    shield                       = ["Describe*", "Get*", "List*"]
    signer                       = ["Describe*", "Get*", "List*"]
    snowball                     = ["Describe*", "Get*", "List*"]
    sso                          = ["Describe*", "Get*", "List*"]
    storagegateway               = ["Describe*", "List*"]
    synthetics                   = ["Describe*", "Get*", "List*"]
    timestream                   = ["Describe*", "Get*", "List*"]
    transfer                     = ["Describe*", "List*"]
    translate                    = ["Describe*", "Get*", "List*"]
    trustedadvisor               = ["Describe*", "Get*", "List*"]
    verifiedpermissions          = ["Get*", "List*"]
    voiceid                      = ["Describe*", "List*"]
    "vpc-lattice"                = ["Get*", "List*"]
    "waf-regional"               = ["Get*", "List*"]
    wafv2                        = ["Describe*", "Get*", "List*"]
    wellarchitected              = ["Get*", "List*"]
    wisdom                       = ["Get*", "List*"]
    workdocs                     = ["Describe*", "Get*"]
    workmail                     = ["Describe*", "Get*", "List*"]
    workspaces                   = ["Describe*", "Get*", "List*"]
    "workspaces-web"             = ["Get*", "List*"]
  }
}

resource "xacct_permission_set" "monitoring" {
  hub  = xacct_hub.this.id
  name = "monitoring"

  role_name           = "AcmeIntegration"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  inline_policies = {
    core = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Resource = "*", Action = flatten([for service, names in local.core : [for name in names : "${service}:${name}"]]) }]
    })
  }

  optional_permissions = {
    resource_collection = {
      description = "Collect the configuration of your resources"
      managed_policies = {
        collection = jsonencode({
          Version   = "2012-10-17"
          Statement = [for service, names in local.collected : { Effect = "Allow", Resource = "*", Action = [for name in names : "${service}:${name}"] }]
        })
      }
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.monitoring.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
