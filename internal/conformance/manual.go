// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

// Assumption is an assumption that a program with two accounts can't test.
type Assumption struct {
	ID   string
	Mark string // the text of aws-facts.md that ends with its mark
	Why  string // why no program tests it
	How  string // how to test it manually
}

// ManualAssumptions returns the assumptions in aws-facts.md that have no check.
func ManualAssumptions() []Assumption {
	return []Assumption{
		{
			ID: "1.8", Mark: "old SigV2 ones signed content-type [R]",
			Why: "No Region is known that still signs response URLs with version 2; check 2.2 reports if one does.",
			How: "If 2.2 shows a URL with Signature and Expires, PUT an answer to it with Content-Type text/plain, which must be refused, and then without one.",
		},
		{
			ID: "1.20", Mark: "1.20 [R/I]",
			Why: "Nothing in the project encrypts topics, and the sandbox refuses messages for encrypted ones.",
			How: "Encrypt a topic with a key whose policy does not name the customer, launch a stack (it must be refused), add kms:GenerateDataKey* and kms:Decrypt for the customer's root, and launch again.",
		},
		{
			ID: "3.2", Mark: "role or notifications; without stackName the user types it [I]",
			Why: "Only the console reads links.",
			How: "Open a link without stackName in a browser: the field must be empty and required. Add tags=a and capabilities=CAPABILITY_IAM to it: nothing on the page may change.",
		},
		{
			ID: "3.3a", Mark: "3.3 [I]",
			Why: "Only the console reads links.",
			How: "Open a link with param_X=a%20b%2Bc and one with param_X=a+b: the page must show \"a b+c\" and, for the second, \"a+b\".",
		},
		{
			ID: "3.3b", Mark: "Keep links under ~8 KB; no documented maximum [?]",
			Why: "Only the console and browsers limit links.",
			How: "Make links of 4, 8, 16 and 32 KB with one long parameter, open each in Chrome, Firefox and Safari, signed in and signed out, and note the first whose parameter is cut off or that does not open.",
		},
		{
			ID: "5.11", Mark: "That SDK checks name and dates, not the chain. [?]",
			Why: "China, GovCloud and the Sovereign Cloud have checks (2.2-…); whether the file of an old certificate stays can only be observed when SNS changes it, about once a year.",
			How: "Keep a message and the address of its certificate; fetch the address again every month, until messages name another one and for a month after.",
		},
		{
			ID: "6c", Mark: "RequestThrottled, UnsupportedOperation. Lambda [R]",
			Why: "It needs a Lambda function; the project's own is deployed by a person.",
			How: "Deploy examples/registrar-lambda, send one message that is not a phone-home and launch a stack at the same time, and verify that only the first message is delivered again.",
		},
		{
			ID: "10.3a", Mark: "(DynamoDB Developer Guide, bp-partition-key-design). [R]",
			Why: "Trying it means thousands of reads and writes a second, for minutes, from many machines.",
			How: "Load a new on-demand table with 12,000 consistent reads of 4 KB in a second for a minute, and read ThrottledRequests in CloudWatch.",
		},
		{
			ID: "16.2", Mark: "`Arn` of a log group ends in `:*` [R]",
			Why: "No check makes template resources yet.",
			How: "Launch examples/gallery/cloudzero with a topic, a subscription and a log group beside its resources and a template_outputs entry for each Ref and Arn, and read `reported`.",
		},
		{
			ID: "16.3", Mark: "also if a deleted stack has kept it [R]",
			Why: "No check makes template resources yet.",
			How: "Launch examples/gallery/cloudzero, delete the stack (the bucket stays), and launch it again: it must fail with the bucket's name. With DeletionPolicy Delete, put an object into the bucket and delete the stack: DELETE_FAILED.",
		},
		{
			ID: "16.4", Mark: "is found by `*-Changes-*` [R]",
			Why: "No check makes template resources yet.",
			How: "Launch examples/gallery/cloudzero under the longest stack name that the console accepts, and verify that the queue's name still contains -Changes-.",
		},
	}
}
