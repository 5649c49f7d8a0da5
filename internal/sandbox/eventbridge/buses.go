// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package eventbridge

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// defaultBus exists in every account and Region.
const defaultBus = "default"

type busKey struct{ account, region, name string }

type bus struct{ created time.Time }

func (k busKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":events:" + k.region + ":" + k.account + ":event-bus/" + k.name
}

// parseBus returns the key of a bus by its name or ARN; an empty text means the
// default bus. It refuses buses of another account or Region, which the sandbox
// does not implement.
func parseBus(c *kernel.Call, text string) (busKey, error) {
	key := busKey{c.Principal.Account, c.Region, defaultBus}
	switch {
	case text == "":
		return key, nil
	case !strings.HasPrefix(text, "arn:"):
		key.name = text
		return key, nil
	}
	_, name, _ := strings.Cut(text, ":event-bus/")
	key.name = name
	if key.arn() != text {
		return busKey{}, invalid("The sandbox implements only event buses of the caller's own account and Region, not %s.", text)
	}
	return key, nil
}

// exists reports whether a bus exists. The caller holds the lock.
func (s *Service) exists(key busKey) bool { return key.name == defaultBus || s.buses[key] != nil }

var busName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,256}$`)

func (s *Service) createEventBus(c *kernel.Call) (any, error) {
	var in struct{ Name string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if !busName.MatchString(in.Name) {
		return nil, invalid("The event bus name %q is not valid. (The sandbox has no partner event buses.)", in.Name)
	}
	key := busKey{c.Principal.Account, c.Region, in.Name}
	if err := s.allow(c, "CreateEventBus", key, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exists(key) {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceAlreadyExistsException", "Event bus %s already exists.", in.Name)
	}
	s.buses[key] = &bus{created: s.clock.Now()}
	return map[string]string{"EventBusArn": key.arn()}, nil
}

func (s *Service) describeEventBus(c *kernel.Call) (any, error) {
	var in struct{ Name string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	key, err := parseBus(c, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.allow(c, "DescribeEventBus", key, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.exists(key) {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Event bus %s does not exist.", key.name)
	}
	out := map[string]any{"Name": key.name, "Arn": key.arn()}
	if b := s.buses[key]; b != nil {
		out["CreationTime"] = b.created.Unix()
	}
	return out, nil
}

func (s *Service) deleteEventBus(c *kernel.Call) (any, error) {
	var in struct{ Name string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if in.Name == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	key := busKey{c.Principal.Account, c.Region, in.Name}
	if err := s.allow(c, "DeleteEventBus", key, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buses, key)
	return struct{}{}, nil
}

func invalid(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}
