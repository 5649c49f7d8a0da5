aws cloudformation update-stack \
  --region eu-central-1 \
  --stack-name arn:aws:cloudformation:eu-central-1:222222222222:stack/acme-access/5f0e1a40-0000-11f1-8000-0123456789ab \
  --template-url https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json \
  --parameters '[{"ParameterKey":"CustomerName","UsePreviousValue":true},{"ParameterKey":"RoleName","UsePreviousValue":true},{"ParameterKey":"Shard","UsePreviousValue":true},{"ParameterKey":"EnableBilling","ParameterValue":"Yes"},{"ParameterKey":"EnableNewByDefault","ParameterValue":"No"},{"ParameterKey":"EnableRestartHosts","ParameterValue":"No"},{"ParameterKey":"ExternalId","ParameterValue":"new-one"},{"ParameterKey":"PreviousExternalId","ParameterValue":"acme,customer=1"}]' \
  --capabilities CAPABILITY_NAMED_IAM
