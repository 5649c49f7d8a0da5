// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// Report is the result of a run. It contains no account ID, signature or key.
type Report struct {
	Version   string            `json:"version"`
	Run       string            `json:"run"`
	Regions   []string          `json:"regions"`
	Endpoint  string            `json:"endpoint,omitempty"` // what replaced AWS; empty: AWS itself
	Libraries map[string]string `json:"libraries,omitempty"`
	Started   time.Time         `json:"started"`
	Ended     time.Time         `json:"ended"`
	Results   []Result          `json:"results"`
}

// Result is the result of one check.
type Result struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Outcome Outcome   `json:"outcome"`
	Seen    string    `json:"seen,omitempty"`  // what was observed, or why there is no verdict
	Place   string    `json:"place,omitempty"` // the code that is wrong if the assumption is wrong
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`

	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one raw response of AWS.
type Evidence struct {
	What string `json:"what"`
	Raw  string `json:"raw"`
}

// Count returns how many checks had an outcome.
func (r Report) Count(outcome Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == outcome {
			n++
		}
	}
	return n
}

// libraries returns the versions of the AWS SDK's modules in this program.
func libraries() map[string]string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	versions := map[string]string{}
	for _, module := range info.Deps {
		if name, found := strings.CutPrefix(module.Path, "github.com/aws/aws-sdk-go-v2"); found {
			versions["aws-sdk-go-v2"+name] = module.Version
		}
	}
	return versions
}

// redactor replaces confidential data in a report.
type redactor struct{ accounts []string }

func (w *World) redactor() redactor {
	r := redactor{accounts: []string{w.Vendor.Account.String(), w.Customer.Account.String()}}
	for _, need := range []Need{Govcloud, China, Sovereign, Management} {
		if p := w.Extra[need]; p != nil {
			r.accounts = append(r.accounts, p.Account.String())
		} else {
			r.accounts = append(r.accounts, "")
		}
	}
	return r
}

var (
	digits = regexp.MustCompile(`[0-9]+`)
	// secretFields matches fields whose values are replaced, in queries, JSON and XML.
	secretFields = regexp.MustCompile(`(?i)((?:X-Amz-Signature|X-Amz-Security-Token|X-Amz-Credential|AWSAccessKeyId|Signature|SignatureProvided|SecretAccessKey|SessionToken|AccessKeyId|Token-0|StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes|ExternalId)(?:\\?"\s*:\s*\\?"|=|>))[^"\\&<\s]+`)
	// callers matches names of users and sessions, which are replaced unless they are
	// a run's own.
	callers    = regexp.MustCompile(`:(user|assumed-role)/([\w+=,.@/-]+)`)
	accessKeys = regexp.MustCompile(`\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b`)
)

// text returns s with account IDs and signatures replaced. The vendor becomes
// 111111111111, the customer 222222222222, further accounts 3… to 6…, and any other 12
// digits 999999999999.
func (r redactor) text(s string) string {
	s = secretFields.ReplaceAllString(s, "${1}REDACTED")
	s = accessKeys.ReplaceAllString(s, "REDACTED")
	s = callers.ReplaceAllStringFunc(s, func(found string) string {
		if strings.Contains(found, "/"+Prefix) {
			return found
		}
		return callers.FindStringSubmatch(found)[0][:strings.Index(found, "/")+1] + "REDACTED"
	})
	return digits.ReplaceAllStringFunc(s, func(found string) string {
		if len(found) != 12 {
			return found
		}
		digit := "9"
		for i, id := range r.accounts {
			if id == found {
				digit = string(rune('1' + i))
			}
		}
		return strings.Repeat(digit, 12)
	})
}
