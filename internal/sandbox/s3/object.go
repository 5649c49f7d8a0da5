// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// object is one version of an object, or a delete marker. It is never changed
// after it is stored.
type object struct {
	version  string // "null" if versioning is off
	order    uint64 // later versions have a higher one
	marker   bool
	modified time.Time
	body     []byte
	etag     string
	header   http.Header // what a GET returns: content type, metadata
	checksum map[string]string
}

// keptHeaders are the headers of a PUT that a GET returns, besides metadata.
var keptHeaders = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires"}

func (s *Service) putObject(c *call) (*kernel.Response, error) {
	if err := checkPutHeaders(c); err != nil {
		return nil, err
	}
	if len(c.address.key) > 1024 {
		return nil, kernel.Errorf(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if c.bucket.encryption.SSEAlgorithm == "aws:kms" {
		return nil, notImplemented("The sandbox's S3 does not encrypt with KMS keys, which is the default of bucket %s.", c.bucket.name)
	}
	body, checksum, err := checkedPayload(c)
	if err != nil {
		return nil, err
	}
	if err := c.checkPutConditions(); err != nil {
		return nil, err
	}
	if len(checksum) == 0 { // S3 adds its own
		checksum["crc64nvme"] = base64Sum("crc64nvme", body)
	}
	o := &object{
		modified: s.env.Clock.Now().Truncate(time.Second), body: body, etag: etag(body),
		header: keptHeader(c), checksum: checksum,
	}
	s.store(c.bucket, c.address.key, o)
	response := empty(http.StatusOK)
	response.Header.Set("Etag", o.etag)
	o.describe(response.Header, c.bucket)
	o.addChecksum(response.Header, true)
	return response, nil
}

func etag(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// orderDigits is the length of the prefix of a version's ID that is its
// position.
const orderDigits = 12

// store adds a version of an object, and sets its ID. Without versioning it
// replaces the existing one.
func (s *Service) store(b *bucket, key string, o *object) {
	versions := b.objects[key]
	b.stored++
	o.version, o.order = "null", b.stored
	if b.versioning == "Enabled" {
		random := strings.ReplaceAll(kernel.NewRequestID(s.env.Rand), "-", "")
		o.version = fmt.Sprintf("%0*x", orderDigits, o.order) + random[orderDigits:]
	} else {
		versions = slices.DeleteFunc(versions, func(old *object) bool { return old.version == "null" })
	}
	b.objects[key] = append(versions, o)
}

// current returns an object's newest version, or nil if it is deleted or was
// never stored.
func (b *bucket) current(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].marker {
		return nil
	}
	return versions[len(versions)-1]
}

func checkPutHeaders(c *call) error {
	switch acl := c.header("X-Amz-Acl"); {
	case acl != "" && acl != "bucket-owner-full-control", hasPrefix(c.Request.Header, "X-Amz-Grant-"):
		return kernel.Errorf(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	if sse := c.header("X-Amz-Server-Side-Encryption"); sse != "" && sse != "AES256" {
		return notImplemented("The sandbox's S3 does not encrypt with KMS keys: the algorithm must be AES256.")
	}
	if class := c.header("X-Amz-Storage-Class"); class != "" && class != "STANDARD" {
		return notImplemented("The sandbox's S3 has only the storage class STANDARD.")
	}
	for _, prefix := range []string{
		"X-Amz-Server-Side-Encryption-", "X-Amz-Object-Lock-", "X-Amz-Website-", "X-Amz-Write-Offset-", "X-Amz-Tagging",
	} {
		if hasPrefix(c.Request.Header, prefix) {
			return notImplemented("The sandbox's S3 does not implement the headers %s*.", prefix)
		}
	}
	return nil
}

// checkPutConditions returns an error if the condition of If-None-Match: *
// (create only) or If-Match (compare and set) is false (aws-facts 10).
func (c *call) checkPutConditions() error {
	old := c.bucket.current(c.address.key)
	noneMatch, match := c.Request.Header.Get("If-None-Match"), c.Request.Header.Get("If-Match")
	switch {
	case noneMatch != "" && noneMatch != "*":
		return notImplemented("A header you provided implies functionality that is not implemented")
	case noneMatch == "*" && old != nil, match != "" && old != nil && !sameETag(match, old.etag):
		return preconditionFailed()
	case match != "" && old == nil:
		return noSuchKey()
	}
	return nil
}

func sameETag(a, b string) bool { return strings.Trim(a, `"`) == strings.Trim(b, `"`) }

func preconditionFailed() error {
	return kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func noSuchKey() error {
	return kernel.Errorf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func keptHeader(c *call) http.Header {
	header := http.Header{"Content-Type": {"binary/octet-stream"}}
	for _, name := range keptHeaders {
		if value := c.Request.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	var encodings []string
	for encoding := range strings.SplitSeq(c.Request.Header.Get("Content-Encoding"), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			encodings = append(encodings, encoding)
		}
	}
	if len(encodings) > 0 {
		header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	for name, values := range c.Request.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			header[name] = values
		}
	}
	return header
}

// describe sets the headers that describe a version.
func (o *object) describe(header http.Header, b *bucket) {
	header.Set("X-Amz-Server-Side-Encryption", "AES256")
	if b.versioning != "" {
		header.Set("X-Amz-Version-Id", o.version)
	}
}

// addChecksum sets the checksum headers, which only a response with a whole
// object has: not one with a part of it, and not a 304 (aws-facts 12.4).
func (o *object) addChecksum(header http.Header, whole bool) {
	if !whole {
		return
	}
	for name, value := range o.checksum {
		header.Set(checksumPrefix+name, value)
	}
	header.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
}

// condition evaluates the conditional headers of a GET or HEAD, and returns the
// status: 200, 304 or 412. A header with an ETag takes precedence over one with
// a time (aws-facts 12.4).
func (o *object) condition(header http.Header) int {
	since := func(name string) (modified, given bool) {
		t, err := http.ParseTime(header.Get(name))
		return o.modified.After(t), err == nil // an invalid time is ignored
	}
	match, noneMatch := header.Get("If-Match"), header.Get("If-None-Match")
	if match != "" {
		if match != "*" && !sameETag(match, o.etag) {
			return http.StatusPreconditionFailed
		}
	} else if modified, given := since("If-Unmodified-Since"); given && modified {
		return http.StatusPreconditionFailed
	}
	if noneMatch != "" {
		if noneMatch == "*" || sameETag(noneMatch, o.etag) {
			return http.StatusNotModified
		}
	} else if modified, given := since("If-Modified-Since"); given && !modified {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// getObject serves GET and HEAD.
func (s *Service) getObject(c *call) (*kernel.Response, error) {
	o, err := s.findVersion(c)
	if err != nil {
		return nil, err
	}
	header := maps.Clone(o.header)
	header.Set("Etag", o.etag)
	header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	header.Set("Accept-Ranges", "bytes")
	ranged := c.Request.Header.Get("Range")
	o.describe(header, c.bucket)
	for name := range c.query {
		if field, found := strings.CutPrefix(name, "response-"); found {
			if c.Principal == nil {
				return nil, kernel.Errorf(http.StatusBadRequest, "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
			}
			header.Set(field, c.query.Get(name))
		}
	}
	switch o.condition(c.Request.Header) {
	case http.StatusPreconditionFailed:
		return nil, preconditionFailed()
	case http.StatusNotModified:
		return &kernel.Response{Status: http.StatusNotModified, Header: header}, nil
	}
	o.addChecksum(header, ranged == "" && strings.EqualFold(c.header("X-Amz-Checksum-Mode"), "ENABLED"))
	response := &kernel.Response{Status: http.StatusOK, Header: header, Body: o.body}
	if ranged != "" {
		if err := cut(response, ranged); err != nil {
			return nil, err
		}
	}
	response.Header.Set("Content-Length", strconv.Itoa(len(response.Body)))
	return response, nil
}

// cut reduces a response to the range "bytes=a-b", "bytes=a-" or "bytes=-n". It
// returns an error if the range is after the end.
func cut(response *kernel.Response, ranged string) error {
	from, to, found := strings.Cut(strings.TrimPrefix(ranged, "bytes="), "-")
	total := len(response.Body)
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	switch {
	case !found, strings.Contains(ranged, ","):
		return nil // S3 ignores an invalid range, and returns the whole object
	case from == "" && err2 == nil:
		first, last = max(0, total-last), total-1
	case err1 == nil && to == "":
		last = total - 1
	case err1 != nil || err2 != nil || last < first:
		return nil
	}
	if first >= total {
		return kernel.Errorf(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	last = min(last, total-1)
	response.Status = http.StatusPartialContent
	response.Header.Set("Content-Range", "bytes "+strconv.Itoa(first)+"-"+strconv.Itoa(last)+"/"+strconv.Itoa(total))
	response.Body = response.Body[first : last+1]
	return nil
}

// findVersion returns the requested version, or an error if there is none. A
// caller that may not list the bucket does not learn which keys exist.
func (s *Service) findVersion(c *call) (*object, error) {
	if id := c.query.Get("versionId"); id != "" {
		for _, o := range c.bucket.objects[c.address.key] {
			if o.version == id {
				if o.marker {
					return nil, kernel.Errorf(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
				}
				return o, nil
			}
		}
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	}
	if o := c.bucket.current(c.address.key); o != nil {
		return o, nil
	}
	if s.authorize(c, "s3:ListBucket", c.bucket.arn()) != nil {
		return nil, accessDenied()
	}
	return nil, noSuchKey()
}
