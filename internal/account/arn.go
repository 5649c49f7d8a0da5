// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// RoleARN names an IAM role: arn:PARTITION:iam::ACCOUNT:role[/PATH/]NAME.
type RoleARN struct {
	Partition Partition
	Account   ID
	Path      string // begins and ends with "/", at least "/"
	Name      string
}

var (
	roleNamePattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@-]{1,64}$`) })
	rolePathPattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/(?:[\x21-\x2e\x30-\x7e]+/)*$`) })
	policyNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@-]+$`) })
)

// CheckRoleName returns an error if name is not a valid role name (aws-facts
// 7.1).
func CheckRoleName(name string) error {
	if !roleNamePattern().MatchString(name) {
		return fmt.Errorf("%q is not a role name: it has 1 to 64 characters, letters, digits and _+=,.@-", clip(name))
	}
	return nil
}

// CheckRolePath returns an error if path is not a valid role path (aws-facts
// 7.1).
func CheckRolePath(path string) error {
	if len(path) > 512 || !rolePathPattern().MatchString(path) {
		return fmt.Errorf("%q is not a role path: it begins and ends with /, such as /vendors/, with at most 512 printable characters", clip(path))
	}
	return nil
}

// ParseRoleARN returns the role ARN in s, with or without a path.
func ParseRoleARN(s string) (RoleARN, error) {
	fail := func(why string) (RoleARN, error) {
		return RoleARN{}, fmt.Errorf("%q is not the ARN of an IAM role, such as arn:aws:iam::123456789012:role/Name: %s", clip(s), why)
	}
	a, err := splitARN(s, "iam")
	if err != nil {
		return fail(err.Error())
	}
	if a.region != "" {
		return fail("an IAM ARN has no Region")
	}
	rest, ok := strings.CutPrefix(a.resource, "role/")
	if !ok {
		return fail("its resource does not start with role/")
	}
	slash := strings.LastIndex(rest, "/")
	role := RoleARN{Partition: a.partition, Account: a.account, Path: "/" + rest[:slash+1], Name: rest[slash+1:]}
	if err := CheckRoleName(role.Name); err != nil {
		return fail(err.Error())
	}
	if err := CheckRolePath(role.Path); err != nil {
		return fail(err.Error())
	}
	return role, nil
}

// IsZero reports whether r is the zero value, "no role".
func (r RoleARN) IsZero() bool { return r == RoleARN{} }

func (r RoleARN) String() string {
	if r.IsZero() {
		return ""
	}
	return fmt.Sprintf("arn:%s:iam::%s:role%s%s", r.Partition, r.Account, r.Path, r.Name)
}

// TopicARN names an SNS topic: arn:PARTITION:sns:REGION:ACCOUNT:NAME.
type TopicARN struct {
	Region  Region
	Account ID
	Name    string
}

var topicNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`) })

// ParseTopicARN returns the topic ARN in s. FIFO topics are not accepted.
func ParseTopicARN(s string) (TopicARN, error) {
	a, err := splitARN(s, "sns")
	if err == nil && !topicNamePattern().MatchString(a.resource) {
		err = fmt.Errorf("a topic name has 1 to 256 letters, digits, - and _")
	}
	if err == nil && a.parsedRegion.IsZero() {
		err = fmt.Errorf("it has no Region")
	}
	if err != nil {
		return TopicARN{}, fmt.Errorf("%q is not the ARN of an SNS topic: %w", clip(s), err)
	}
	return TopicARN{Region: a.parsedRegion, Account: a.account, Name: a.resource}, nil
}

// IsZero reports whether t is the zero value, "no topic".
func (t TopicARN) IsZero() bool { return t == TopicARN{} }

func (t TopicARN) String() string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", t.Region.Partition(), t.Region, t.Account, t.Name)
}

// StackARN identifies one CloudFormation stack. A stack that is deleted and
// created again under the same name has another GUID.
type StackARN struct {
	Region  Region
	Account ID
	Name    string
	GUID    string
}

var (
	stackNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`) })
	stackGUIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`) })
)

// CheckStackName returns an error if name is not a valid stack name (aws-facts
// 3.2).
func CheckStackName(name string) error {
	if !stackNamePattern().MatchString(name) {
		return fmt.Errorf("%q is not a stack name: it begins with a letter and has at most 128 letters, digits and hyphens", clip(name))
	}
	return nil
}

// ParseStackARN returns the stack ARN in s. A stack's ID is its ARN.
func ParseStackARN(s string) (StackARN, error) {
	fail := func(why string) (StackARN, error) {
		return StackARN{}, fmt.Errorf("%q is not the ARN of a CloudFormation stack: %s", clip(s), why)
	}
	a, err := splitARN(s, "cloudformation")
	if err != nil {
		return fail(err.Error())
	}
	if a.parsedRegion.IsZero() {
		return fail("it has no Region")
	}
	parts := strings.Split(a.resource, "/")
	if len(parts) != 3 || parts[0] != "stack" {
		return fail("its resource is not stack/NAME/GUID")
	}
	if err := CheckStackName(parts[1]); err != nil {
		return fail(err.Error())
	}
	if !stackGUIDPattern().MatchString(parts[2]) {
		return fail("its last part is not a GUID")
	}
	return StackARN{Region: a.parsedRegion, Account: a.account, Name: parts[1], GUID: parts[2]}, nil
}

// IsZero reports whether s is the zero value, "no stack".
func (s StackARN) IsZero() bool { return s == StackARN{} }

func (s StackARN) String() string {
	if s.IsZero() {
		return ""
	}
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%s", s.Region.Partition(), s.Region, s.Account, s.Name, s.GUID)
}

// arn holds the parts that all ARNs share.
type arn struct {
	partition    Partition
	region       string
	parsedRegion Region
	account      ID
	resource     string
}

func splitARN(s, service string) (arn, error) {
	const longest = 2048 // IAM's limit for an ARN
	parts := strings.SplitN(s, ":", 6)
	if len(s) > longest || len(parts) != 6 || parts[0] != "arn" {
		return arn{}, fmt.Errorf("it is not arn:PARTITION:%s:REGION:ACCOUNT:RESOURCE", service)
	}
	if parts[2] != service {
		return arn{}, fmt.Errorf("its service is %q, not %s", clip(parts[2]), service)
	}
	a := arn{region: parts[3], resource: parts[5]}
	var err error
	if a.partition, err = ParsePartition(parts[1]); err != nil {
		return arn{}, err
	}
	if a.account, err = ParseID(parts[4]); err != nil {
		return arn{}, err
	}
	if a.region == "" {
		return a, nil
	}
	if a.parsedRegion, err = ParseRegion(a.region); err != nil {
		return arn{}, err
	}
	if a.parsedRegion.Partition() != a.partition {
		return arn{}, fmt.Errorf("its Region %s is not in partition %s", a.parsedRegion, a.partition)
	}
	return a, nil
}
