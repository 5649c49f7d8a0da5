aws cloudformation create-stack-set \
  --region eu-central-1 \
  --stack-set-name acme-access \
  --call-as DELEGATED_ADMIN \
  --template-url https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json \
  --parameters ParameterKey=CustomerName,ParameterValue=globex ParameterKey=ExternalId,ParameterValue=00ff ParameterKey=RoleName,ParameterValue=acme-globex ParameterKey=Shard,ParameterValue=0 \
  --capabilities CAPABILITY_NAMED_IAM \
  --permission-model SERVICE_MANAGED \
  --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false &&
aws cloudformation create-stack-instances \
  --region eu-central-1 \
  --stack-set-name acme-access \
  --call-as DELEGATED_ADMIN \
  --regions eu-central-1 \
  --operation-preferences FailureTolerancePercentage=100,MaxConcurrentPercentage=25 \
  --deployment-targets "OrganizationalUnitIds=$(aws organizations list-roots --query 'Roots[0].Id' --output text)"
