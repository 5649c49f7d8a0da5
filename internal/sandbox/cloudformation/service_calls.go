// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// The following methods call other services as the operation's principal, in
// the stack's Region, for all resources except those of IAM. Their errors have
// the texts of the resource handlers.

func (o *operation) s3(method, bucket, subresource string, body []byte) error {
	return o.handled("S3", func() error {
		return kernel.CallS3(o.s.ctx, o.s.env.Inside, o.principal, o.st.region, method, bucket, subresource, body)
	})
}

func (o *operation) sqs(action string, params, out any) error {
	return o.json("Sqs", "sqs", "AmazonSQS", action, params, out)
}

func (o *operation) events(action string, params, out any) error {
	return o.json("EventBridge", "events", "AWSEvents", action, params, out)
}

func (o *operation) logs(action string, params, out any) error {
	return o.json("CloudWatchLogs", "logs", "Logs_20140328", action, params, out)
}

func (o *operation) json(name, service, prefix, action string, params, out any) error {
	return o.handled(name, func() error {
		return kernel.CallJSON(o.s.ctx, o.s.env.Inside, o.principal, o.st.region, service, prefix, action, params, out)
	})
}

func (o *operation) sns(action string, params url.Values, out any) error {
	return o.handled("Sns", func() error {
		return kernel.CallQuery(o.s.ctx, o.s.env.Inside, o.principal, o.st.region, "sns", action, params, out)
	})
}

// handled calls a service, with retries, and returns its error as a
// handlerError.
func (o *operation) handled(service string, call func() error) error {
	err := retrying(call)
	var aws *kernel.Error
	if !errors.As(err, &aws) {
		return err
	}
	return &handlerError{service: service, cause: aws, requestID: o.s.newID(), token: o.s.newID()}
}

// onlyProperties returns an error if there is a property that is not known: the sandbox
// does not implement it, or the resource type does not have it. It cannot tell
// which.
func onlyProperties(kind string, properties map[string]any, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("Properties validation failed: #: extraneous key [%s] is not permitted (the sandbox's CloudFormation does not implement it for %s)", name, kind)
		}
	}
	return nil
}

// textOf returns a property as a string, empty if there is none. It returns an
// error if the property is a list or an object.
func textOf(properties map[string]any, name string) (string, error) {
	v, found := properties[name]
	if !found {
		return "", nil
	}
	text, ok := template.Stringify(v).(string)
	if !ok {
		return "", invalidProperty(name, "string")
	}
	return text, nil
}

// tagsOf returns the tags of a resource, together with those of the stack.
func tagsOf(properties map[string]any, stackTags map[string]string) (map[string]string, error) {
	r := role{tags: maps.Clone(stackTags)}
	if r.tags == nil {
		r.tags = map[string]string{}
	}
	return r.tags, r.readTags(template.Stringify(properties["Tags"]))
}

// nameFor returns the name of a resource: custom, or if that is empty, a
// generated one of at most limit bytes.
func (o *operation) nameFor(r *resource, custom string, limit int) string {
	if custom != "" {
		return custom
	}
	name := o.s.newPhysicalID(o.st, r.logicalID)
	return strings.TrimLeft(name[max(0, len(name)-limit):], "-")
}

// renamed reports whether one of the named properties differs, so that the
// resource must be replaced. Its error is always nil.
func renamed(r *resource, properties map[string]any, names ...string) (bool, error) {
	for _, name := range names {
		if !same(map[string]any{"": r.properties[name]}, map[string]any{"": properties[name]}) {
			return true, nil
		}
	}
	return false, nil
}

// alreadyExists returns CloudFormation's error for a name that is taken.
func alreadyExists(kind, name string) error {
	return fmt.Errorf("Resource of type '%s' with identifier '%s' already exists.", kind, name)
}

// notFound reports whether a call failed because the resource does not exist.
func notFound(err error) bool {
	var aws *kernel.Error
	return errors.As(err, &aws) && slices.Contains([]string{
		"NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "QueueDoesNotExist", "NotFound", "ResourceNotFound", "ResourceNotFoundException", "404",
	}, aws.Code)
}

// members adds a list to params in the form of the query protocol.
func members(params url.Values, name string, values []string) {
	for i, value := range values {
		params.Set(name+".member."+strconv.Itoa(i+1), value)
	}
}

// removedKeys returns the keys that are only in have, sorted.
func removedKeys(have, want map[string]string) []string {
	var keys []string
	for key := range have {
		if _, stays := want[key]; !stays {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
