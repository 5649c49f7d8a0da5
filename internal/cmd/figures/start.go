// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// start is one start of a provider: when it had shaken hands and sent its schema,
// in milliseconds, and its megabytes at the handshake.
type start struct{ handshake, schema, resident float64 }

// startFigures measures the provider's start beside that of an empty provider,
// which is built in the same way.
func startFigures(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, ".", "./internal/cmd/figures/empty"); err != nil {
		return nil, err
	}
	var of [2]start
	for i, name := range []string{"terraform-provider-xacct", "empty"} {
		var err error
		if of[i], err = providerStart(ctx, filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	ours, empty := of[0], of[1]
	return []figure{
		{what: "provider start to handshake (median of 9)", value: ours.handshake, unit: "ms", reference: empty.handshake, of: "empty provider", wanted: "≤ 1.3 of it"},
		{what: "provider start to its schema (median of 9)", value: ours.schema, unit: "ms", reference: empty.schema, of: "empty provider", limit: 250},
		{what: "resident memory at the handshake (median of 9)", value: ours.resident, unit: "MB", reference: empty.resident, of: "empty provider", wanted: "≤ 2 of it"},
	}, nil
}

// providerStart returns the medians of several starts.
func providerStart(ctx context.Context, provider string) (start, error) {
	var handshakes, schemas, sizes []float64
	for range 9 {
		s, err := startOnce(ctx, provider)
		if err != nil {
			return start{}, err
		}
		handshakes, schemas, sizes = append(handshakes, s.handshake), append(schemas, s.schema), append(sizes, s.resident)
	}
	return start{median(handshakes), median(schemas), median(sizes)}, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// residentOf returns a process's megabytes in memory; 0 if the system does not
// tell as Linux does.
func residentOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var size, pages float64
	if _, malformed := fmt.Sscan(string(text), &size, &pages); err != nil || malformed != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// startOnce acts as the engine: the handshake of go-plugin on standard output,
// then one call, whose answer is the provider's schema.
func startOnce(ctx context.Context, provider string) (s start, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, provider)
	cmd.Env = append(os.Environ(),
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		"PLUGIN_PROTOCOL_VERSIONS=6", "PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000")
	lines := make(chan string, 1)
	started := time.Now()
	process, err := trial.Start(cmd, func(line string) {
		if !strings.HasPrefix(line, "1|") { // go-plugin's own version; the log is printed too
			return
		}
		select {
		case lines <- line:
		default: // only the first counts
		}
	})
	if err != nil {
		return s, err
	}
	defer process.Kill()
	var line string
	select {
	case line = <-lines:
	case <-process.Done():
		return s, process.Wait(ctx)
	}
	s.handshake, s.resident = milliseconds(time.Since(started)), residentOf(cmd.Process.Pid)
	// 1|6|unix|/tmp/plugin…|grpc|
	handshake := strings.Split(line, "|")
	if len(handshake) < 5 || handshake[2] != "unix" {
		return s, fmt.Errorf("the handshake is %q", line)
	}
	connection, err := grpc.NewClient("unix:"+handshake[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return s, err
	}
	defer connection.Close()
	var answer emptypb.Empty // fields that it does not know are kept
	err = connection.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", &emptypb.Empty{}, &answer, grpc.MaxCallRecvMsgSize(64<<20))
	if err != nil {
		return s, err
	}
	if len(answer.ProtoReflect().GetUnknown()) == 0 {
		return s, fmt.Errorf("the schema is empty")
	}
	s.schema = milliseconds(time.Since(started))
	return s, nil
}
