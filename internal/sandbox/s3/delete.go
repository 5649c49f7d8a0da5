// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func base64Sum(name string, body []byte) string {
	return base64.StdEncoding.EncodeToString(checksums[name](body))
}

func (s *Service) deleteObject(c *call) (*kernel.Response, error) {
	if c.header("If-Match") != "" {
		return nil, notImplemented("The sandbox's S3 has no conditional deletes.")
	}
	done := s.delete(c.bucket, c.address.key, c.query.Get("versionId"))
	response := empty(http.StatusNoContent)
	if done.VersionID != "" {
		response.Header.Set("X-Amz-Version-Id", done.VersionID)
	}
	if done.MarkerVersionID != "" {
		response.Header.Set("X-Amz-Version-Id", done.MarkerVersionID)
	}
	if done.Marker {
		response.Header.Set("X-Amz-Delete-Marker", "true")
	}
	return response, nil
}

// deleted is the result of a delete for one key.
type deleted struct {
	Key             string
	VersionID       string `xml:"VersionId,omitempty"`
	Marker          bool   `xml:"DeleteMarker,omitempty"`
	MarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

// delete deletes a version permanently. Without a version it deletes the
// object, or adds a delete marker if the bucket has versions. It succeeds if
// there is no such object.
func (s *Service) delete(b *bucket, key, version string) deleted {
	done := deleted{Key: key, VersionID: version}
	if version == "" && b.versioning != "" {
		marker := &object{marker: true, modified: s.env.Clock.Now()}
		s.store(b, key, marker)
		done.Marker, done.MarkerVersionID = true, marker.version
		return done
	}
	if version == "" {
		version = "null"
	}
	versions := slices.DeleteFunc(b.objects[key], func(o *object) bool {
		if o.version != version {
			return false
		}
		done.Marker = o.marker
		return true
	})
	if b.objects[key] = versions; len(versions) == 0 {
		delete(b.objects, key)
	}
	return done
}

type deleteRequest struct {
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string    `xml:"VersionId"`
		Other     []unknown `xml:",any"`
	} `xml:"Object"`
}

type deleteFailure struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

type deleteResult struct {
	XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deleted       `xml:"Deleted"`
	Errors  []deleteFailure `xml:"Error"`
}

// deleteObjects authorizes and deletes each key separately.
func (s *Service) deleteObjects(c *call) (*kernel.Response, error) {
	body, checksum, err := checkedPayload(c)
	if err != nil {
		return nil, err
	}
	if len(checksum) == 0 && c.header("Content-Md5") == "" {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var in deleteRequest
	if err := decodeXML(body, "Delete", &in); err != nil {
		return nil, err
	}
	if len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return nil, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var result deleteResult
	for _, o := range in.Objects {
		if len(o.Other) > 0 {
			return nil, notImplemented("The sandbox's S3 has no conditional deletes.")
		}
		permission := "s3:DeleteObject"
		if o.VersionID != "" {
			permission = "s3:DeleteObjectVersion"
		}
		if err := s.authorize(c, permission, c.bucket.arn()+"/"+o.Key); err != nil {
			var denied *kernel.Error
			if !errors.As(err, &denied) || denied.Code != "AccessDenied" {
				return nil, err
			}
			result.Errors = append(result.Errors, deleteFailure{o.Key, o.VersionID, denied.Code, denied.Message})
			continue
		}
		if done := s.delete(c.bucket, o.Key, o.VersionID); !in.Quiet {
			result.Deleted = append(result.Deleted, done)
		}
	}
	return xmlResponse(result)
}
