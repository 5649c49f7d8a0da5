aws cloudformation create-stack \
  --region eu-central-1 \
  --stack-name acme-access \
  --template-url https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json \
  --parameters ParameterKey=CustomerName,ParameterValue=globex ParameterKey=ExternalId,ParameterValue=00ff ParameterKey=RoleName,ParameterValue=acme-globex ParameterKey=Shard,ParameterValue=0 \
  --capabilities CAPABILITY_NAMED_IAM
