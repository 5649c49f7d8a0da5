module github.com/xacct/terraform-provider-xacct

go 1.26.0

require (
	github.com/aws/aws-lambda-go v1.55.1 // the registrar as a Lambda function
	github.com/aws/aws-sdk-go-v2 v1.48.0 // AWS, the official SDK
	github.com/aws/aws-sdk-go-v2/config v1.33.18 // AWS configuration as users have it
	github.com/aws/aws-sdk-go-v2/credentials v1.21.0 // tests: keys of the sandbox
	github.com/aws/aws-sdk-go-v2/service/cloudformation v1.84.0 // conformance: a customer; tests: the same in the sandbox
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.74.0 // the registry
	github.com/aws/aws-sdk-go-v2/service/eventbridge v1.55.11 // events out
	github.com/aws/aws-sdk-go-v2/service/iam v1.66.0 // conformance: roles; tests: customers' roles in the sandbox
	github.com/aws/aws-sdk-go-v2/service/kms v1.62.6 // conformance: a key; tests: keys of the sandbox
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.10 // templates
	github.com/aws/aws-sdk-go-v2/service/sns v1.48.0 // the inbox of phone-homes
	github.com/aws/aws-sdk-go-v2/service/sqs v1.53.0 // the queue of phone-homes
	github.com/aws/aws-sdk-go-v2/service/sts v1.52.0 // proofs
	github.com/aws/smithy-go v1.28.9 // error codes of AWS; sleeps that end with a context
	github.com/awslabs/goformation/v7 v7.14.9 // typed CloudFormation resources; only stacktemplate imports it
	github.com/chromedp/cdproto v0.159.0 // tests: the protocol of the browser
	github.com/chromedp/chromedp v0.23.0 // tests: pages in a real browser (Chromium)
	github.com/coreos/go-oidc/v3 v3.21.0 // callers of the onboarding API by OpenID Connect
	github.com/creack/pty v1.1.24 // tests: a terminal
	github.com/danielgtaylor/huma/v2 v2.37.2 // the onboarding API: OpenAPI 3.1 and problem details from the code
	github.com/go-jose/go-jose/v4 v4.1.9 // the keys of their issuer, and their tokens' algorithms
	github.com/google/go-cmp v0.7.0 // tests: readable differences
	github.com/hashicorp/aws-sdk-go-base/v2 v2.0.0-beta.74 // AWS configuration that means what it means in hashicorp/aws
	github.com/hashicorp/awspolicyequivalence v1.7.0 // tests: a second opinion on policies of equal meaning
	github.com/hashicorp/go-hclog v1.6.3 // tests: silence for the providers that they serve
	github.com/hashicorp/go-plugin v1.8.0 // tests: how an engine finds the providers that they serve
	github.com/hashicorp/go-version v1.9.0 // tests: versions of engines
	github.com/hashicorp/hcl/v2 v2.25.0 // tests: configurations of tests and examples
	github.com/hashicorp/terraform-json v0.29.0 // tests: plans and states as checks read them
	github.com/hashicorp/terraform-plugin-framework v1.19.0 // the provider
	github.com/hashicorp/terraform-plugin-framework-timeouts v0.7.0 // the timeouts attribute
	github.com/hashicorp/terraform-plugin-framework-validators v0.19.0 // the usual validators
	github.com/hashicorp/terraform-plugin-go v0.31.0 // the protocol, for tests and the server
	github.com/hashicorp/terraform-plugin-log v0.11.0 // structured logs of the provider
	github.com/hashicorp/terraform-plugin-testing v1.16.0 // acceptance tests
	github.com/mitchellh/go-wordwrap v1.0.1 // tests: messages in lines of the width that Terraform has
	github.com/prometheus/client_golang v1.25.0 // metrics of the registrar
	github.com/rogpeppe/go-internal v1.16.0 // tests: the command line as scripts (testscript)
	github.com/spf13/cobra v1.10.2 // the command line
	github.com/spf13/pflag v1.0.10 // its flags, which the environment may set
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1 // signatures of webhooks, by the standard's own authors
	github.com/zclconf/go-cty v1.20.0 // tests: values of HCL
	go.opentelemetry.io/otel v1.45.0 // traces of a registrar
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp v1.45.0 // sends them to a collector
	go.opentelemetry.io/otel/sdk v1.45.0 // keeps and samples them
	go.opentelemetry.io/otel/trace v1.45.0 // the same
	go.opentelemetry.io/proto/otlp v1.11.0 // tests: what a collector gets
	go.yaml.in/yaml/v3 v3.0.6 // YAML with its lines and tags: specifications of xacct generate, the sandbox's templates
	golang.org/x/sync v0.25.0 // errgroup
	golang.org/x/term v0.46.0 // whether output goes to a terminal, and how wide it is
	golang.org/x/text v0.42.0 // how many columns of a terminal a character takes
	golang.org/x/time v0.16.0 // rate limits of the onboarding API
	google.golang.org/grpc v1.85.0 // figures: the first response of the provider process
	google.golang.org/protobuf v1.36.12 // figures: the same
	mvdan.cc/sh/v3 v3.14.1 // tests: the shell commands that the documentation shows
	pgregory.net/rapid v1.3.0 // tests: random stories and hostile strings
	sigs.k8s.io/yaml v1.6.0 // templates as YAML
)

require (
	github.com/ProtonMail/go-crypto v1.4.1 // indirect
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/apparentlymart/go-textseg/v17 v17.0.1 // indirect
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream v1.7.27 // indirect
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.20.9 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.12 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.12 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.12 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.25 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/checksum v1.11.13 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.12 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.12 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared v1.20.12 // indirect
	github.com/aws/aws-sdk-go-v2/service/signin v1.13.1 // indirect
	github.com/aws/aws-sdk-go-v2/service/sso v1.39.5 // indirect
	github.com/aws/aws-sdk-go-v2/service/ssooidc v1.44.5 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cloudflare/circl v1.6.3 // indirect
	github.com/fatih/color v1.19.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/go-test/deep v1.1.1 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.29.0 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-checkpoint v0.5.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-cty v1.5.0 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/hashicorp/hc-install v0.9.4 // indirect
	github.com/hashicorp/logutils v1.0.0 // indirect
	github.com/hashicorp/terraform-exec v0.25.1 // indirect
	github.com/hashicorp/terraform-plugin-sdk/v2 v2.40.0 // indirect
	github.com/hashicorp/terraform-registry-address v0.4.0 // indirect
	github.com/hashicorp/terraform-svchost v0.2.1 // indirect
	github.com/hashicorp/yamux v0.1.2 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/go-homedir v1.1.0 // indirect
	github.com/mitchellh/go-testing-interface v1.14.1 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/oklog/run v1.2.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/vmihailenco/msgpack v4.0.4+incompatible // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws v0.69.0 // indirect
	go.opentelemetry.io/otel/exporters/otlp/otlptrace v1.45.0 // indirect
	go.opentelemetry.io/otel/metric v1.45.0 // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/tools v0.49.0 // indirect
	google.golang.org/appengine v1.6.8 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)
