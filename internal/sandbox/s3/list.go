// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

type listedObject struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string `xml:",omitempty"`
	ChecksumType      string   `xml:",omitempty"`
	Size              int
	StorageClass      string
	Owner             *owner `xml:",omitempty"`
}

type owner struct{ ID string }

type commonPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

// listing has the parameters that the two list operations share.
type listing struct {
	prefix, delimiter string
	limit             int
	encode            func(string) string
	encoding          string
}

func newListing(c *call) (*listing, error) {
	l := &listing{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), limit: 1000, encode: func(s string) string { return s }}
	if c.query.Has("max-keys") {
		limit, err := strconv.Atoi(c.query.Get("max-keys"))
		if err != nil || limit < 0 {
			return nil, invalidArgument("Provided max-keys not an integer or within integer range")
		}
		l.limit = min(limit, 1000)
	}
	switch l.encoding = c.query.Get("encoding-type"); l.encoding {
	case "":
	case "url":
		l.encode = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
	default:
		return nil, invalidArgument("Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// group returns the common prefix that a key is listed under, or an empty
// string if the key itself is listed.
func (l *listing) group(key string) string {
	if l.delimiter == "" {
		return ""
	}
	before, _, found := strings.Cut(key[len(l.prefix):], l.delimiter)
	if !found {
		return ""
	}
	return l.prefix + before + l.delimiter
}

func (s *Service) listObjects(c *call) (*kernel.Response, error) {
	if c.query.Get("list-type") != "2" {
		return nil, invalidArgument("Invalid List Type specified in Request")
	}
	l, err := newListing(c)
	if err != nil {
		return nil, err
	}
	after := c.query.Get("start-after")
	token := c.query.Get("continuation-token")
	if token != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, invalidArgument("The continuation token provided is incorrect")
		}
		after = string(decoded)
	}
	result := listResult{
		Name: c.bucket.name, Prefix: l.encode(l.prefix), Delimiter: l.encode(l.delimiter), MaxKeys: l.limit,
		StartAfter: l.encode(c.query.Get("start-after")), EncodingType: l.encoding, ContinuationToken: token,
	}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(c.bucket.objects)) {
		if !strings.HasPrefix(key, l.prefix) {
			continue
		}
		o := c.bucket.current(key)
		// A token may be a common prefix, under which all keys were listed.
		listed := key <= after || token != "" && l.group(key) == after && after != ""
		if o == nil || listed {
			continue
		}
		group := l.group(key)
		if group != "" && group == last {
			continue
		}
		if result.KeyCount == l.limit {
			result.IsTruncated = l.limit > 0
			if result.IsTruncated {
				result.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(last))
			}
			break
		}
		result.KeyCount++
		if group != "" {
			last = group
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{l.encode(group)})
			continue
		}
		last = key
		result.Contents = append(result.Contents, c.listed(l, key, o))
	}
	return xmlResponse(result)
}

func (c *call) listed(l *listing, key string, o *object) listedObject {
	entry := listedObject{
		Key: l.encode(key), LastModified: iso(o.modified), ETag: o.etag, Size: len(o.body), StorageClass: "STANDARD", ChecksumType: "FULL_OBJECT",
	}
	for _, name := range slices.Sorted(maps.Keys(o.checksum)) {
		entry.ChecksumAlgorithm = append(entry.ChecksumAlgorithm, strings.ToUpper(name))
	}
	if c.query.Get("fetch-owner") == "true" {
		entry.Owner = &owner{ownerID(c.bucket.account)}
	}
	return entry
}

type listedVersion struct {
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int   `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        owner
}

type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	EncodingType        string `xml:",omitempty"`
	MaxKeys             int
	IsTruncated         bool
	KeyMarker           string
	VersionIDMarker     string          `xml:"VersionIdMarker"`
	NextKeyMarker       string          `xml:",omitempty"`
	NextVersionIDMarker string          `xml:"NextVersionIdMarker,omitempty"`
	Versions            []listedVersion `xml:"Version"`
	DeleteMarkers       []listedVersion `xml:"DeleteMarker"`
}

// listVersions returns all versions, the newest of a key first.
func (s *Service) listVersions(c *call) (*kernel.Response, error) {
	l, err := newListing(c)
	if err != nil {
		return nil, err
	}
	if l.delimiter != "" {
		return nil, notImplemented("The sandbox's S3 lists versions without a delimiter.")
	}
	keyMarker, versionMarker := c.query.Get("key-marker"), c.query.Get("version-id-marker")
	result := versionsResult{
		Name: c.bucket.name, Prefix: l.encode(l.prefix), EncodingType: l.encoding, MaxKeys: l.limit,
		KeyMarker: l.encode(keyMarker), VersionIDMarker: versionMarker,
	}
	count := 0
	for _, key := range slices.Sorted(maps.Keys(c.bucket.objects)) {
		if !strings.HasPrefix(key, l.prefix) || key < keyMarker || key == keyMarker && keyMarker != "" && versionMarker == "" {
			continue
		}
		versions := c.bucket.objects[key]
		for i, o := range slices.Backward(versions) {
			if key == keyMarker && o.order >= orderOf(versions, versionMarker) {
				continue
			}
			if count == l.limit {
				result.IsTruncated = true
				return xmlResponse(result)
			}
			count++
			result.add(c.bucket, l, key, o, i == len(versions)-1)
		}
	}
	result.NextKeyMarker, result.NextVersionIDMarker = "", ""
	return xmlResponse(result)
}

// orderOf returns the position of a version. Because the version may have been
// deleted, its ID contains the position; only "null" does not, which is usually
// the oldest version.
func orderOf(versions []*object, id string) uint64 {
	for _, o := range versions {
		if o.version == id {
			return o.order
		}
	}
	order, err := strconv.ParseUint(id[:min(len(id), orderDigits)], 16, 64)
	if err != nil {
		return 0
	}
	return order
}

func (r *versionsResult) add(b *bucket, l *listing, key string, o *object, latest bool) {
	entry := listedVersion{Key: l.encode(key), VersionID: o.version, IsLatest: latest, LastModified: iso(o.modified), Owner: owner{ownerID(b.account)}}
	r.NextKeyMarker, r.NextVersionIDMarker = entry.Key, o.version
	if o.marker {
		r.DeleteMarkers = append(r.DeleteMarkers, entry)
		return
	}
	size := len(o.body)
	entry.ETag, entry.Size, entry.StorageClass = o.etag, &size, "STANDARD"
	r.Versions = append(r.Versions, entry)
}
