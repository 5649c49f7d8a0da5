// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

var (
	namePattern        = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern        = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	descriptionPattern = regexp.MustCompile(`^[\x{9}\x{a}\x{d}\x{20}-\x{7e}\x{a1}-\x{ff}]*$`)
	tagPattern         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// validation returns a ValidationError with the message of AWS's generated
// checks.
func validation(value, field, constraint string) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationError",
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, field, constraint)
}

func validateName(field, name string, longest int) error {
	switch {
	case name == "":
		return validation(name, field, "have length greater than or equal to 1")
	case len(name) > longest:
		return validation(name, field, "have length less than or equal to "+strconv.Itoa(longest))
	case !namePattern.MatchString(name):
		return validation(name, field, `satisfy regular expression pattern: [\w+=,.@-]+`)
	}
	return nil
}

func validatePath(path string) error {
	if len(path) > 512 || !pathPattern.MatchString(path) {
		return kernel.Errorf(http.StatusBadRequest, "ValidationError",
			"The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

func validateDescription(text string) error {
	if utf8.RuneCountInString(text) > 1000 {
		return validation(text, "description", "have length less than or equal to 1000")
	}
	if !descriptionPattern.MatchString(text) {
		return validation(text, "description", `satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`)
	}
	return nil
}

// sessionDuration returns the request's MaxSessionDuration in seconds, or the
// current one if it is absent.
func sessionDuration(r *request, current int) (int, error) {
	text := r.Get("MaxSessionDuration")
	if text == "" {
		return current, nil
	}
	seconds, err := strconv.Atoi(text)
	switch {
	case err != nil || seconds < 3600:
		return 0, validation(text, "maxSessionDuration", "have value greater than or equal to 3600")
	case seconds > 43200:
		return 0, validation(text, "maxSessionDuration", "have value less than or equal to 43200")
	}
	return seconds, nil
}

// parseTags returns the current tags with others added; keys ignore case.
func parseTags(current []tag, added []kernel.Query) ([]tag, error) {
	tags := slices.Clone(current)
	for _, each := range added {
		t := tag{each.Get("Key"), each.Get("Value")}
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128 || !tagPattern.MatchString(t.Key):
			return nil, validation(t.Key, "tags.1.member.key", `satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+ and have 1 to 128 characters`)
		case utf8.RuneCountInString(t.Value) > 256 || !tagPattern.MatchString(t.Value):
			return nil, validation(t.Value, "tags.1.member.value", `satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]* and have at most 256 characters`)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidInput", "Tag keys that start with aws: are reserved: %s", t.Key)
		}
		at := slices.IndexFunc(tags, func(other tag) bool { return strings.EqualFold(other.Key, t.Key) })
		switch {
		case at >= len(current):
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case at >= 0:
			tags[at] = t
		default:
			tags = append(tags, t)
		}
	}
	if len(tags) > 50 {
		return nil, kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for TagsPerRole: 50")
	}
	return tags, nil
}

func tagKeys(tags []tag) map[string][]string {
	keys := map[string][]string{}
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], t.Key)
	}
	return keys
}

func validateDocuments(documents []string) error {
	for _, document := range documents {
		if _, err := policies.Parse(policies.Identity, document); err != nil {
			return asError(err, http.StatusBadRequest, "MalformedPolicyDocument")
		}
	}
	return nil
}
