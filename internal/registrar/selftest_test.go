// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestASelfTestIsRecorded(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:111111111111:xacct-acme-0"
	nonce := strings.Repeat("ab", 16)
	message := func(topic string, age time.Duration) []byte {
		body, _ := json.Marshal(map[string]string{
			"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": phonehome.SelfTestMessage(nonce),
			"Timestamp": noon.Add(-age).Format(time.RFC3339Nano),
		})
		return body
	}
	for name, c := range map[string]struct {
		body   []byte
		fails  error
		action Action
		noted  []string
	}{
		"the hub's own":      {message(topic, time.Second), nil, Done, []string{nonce + " " + topic}},
		"an hour old":        {message(topic, time.Hour), nil, Done, nil},
		"of another hub":     {message(strings.Replace(topic, "acme", "other", 1), time.Second), nil, DeadLetter, nil},
		"of another account": {message(strings.Replace(topic, "1111", "9999", 1), time.Second), nil, DeadLetter, nil},
		"no registry":        {message(topic, time.Second), errors.New("down"), Retry, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fails = c.fails
			if d := f.registrar().Handle(context.Background(), c.body); d.Action != c.action {
				t.Errorf("got %+v, want %s", d, c.action)
			}
			if !slices.Equal(f.selfTests, c.noted) {
				t.Errorf("recorded are %v, want %v", f.selfTests, c.noted)
			}
		})
	}
}
