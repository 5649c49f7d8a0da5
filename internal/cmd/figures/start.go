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

// start is one start of a provider: the milliseconds until its handshake and until it
// has sent its schema; the CPU time until the handshake, also in milliseconds, on
// which other processes have less influence; and its resident memory at the
// handshake, in megabytes.
type start struct{ handshake, schema, cpu, resident float64 }

// startFigures measures the provider's start beside that of an empty provider that is
// built in the same way.
func startFigures(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, ".", "./internal/cmd/figures/empty"); err != nil {
		return nil, err
	}
	ours, empty, err := providerStarts(ctx, filepath.Join(dir, "terraform-provider-xacct"), filepath.Join(dir, "empty"))
	if err != nil {
		return nil, err
	}
	return []figure{
		{what: "provider start to handshake (median of 9)", value: ours.handshake, unit: "ms", reference: empty.handshake, of: "empty provider", wanted: "≤ 1.3 of it"},
		{what: "CPU until the handshake (median of 9)", value: ours.cpu, unit: "ms", reference: empty.cpu, of: "empty provider", wanted: "≤ 1.3 of it"},
		{what: "provider start to its schema (median of 9)", value: ours.schema, unit: "ms", reference: empty.schema, of: "empty provider", limit: 250},
		{what: "resident memory at the handshake (median of 9)", value: ours.resident, unit: "MB", reference: empty.resident, of: "empty provider", wanted: "≤ 2 of it"},
	}, nil
}

// providerStarts returns the medians of several starts of two providers. They are
// started alternately, so that other load on the machine affects both.
func providerStarts(ctx context.Context, first, second string) (_, _ start, err error) {
	var of [2][]start
	for range 9 {
		for i, provider := range []string{first, second} {
			s, err := startOnce(ctx, provider)
			if err != nil {
				return start{}, start{}, fmt.Errorf("start %s: %w", filepath.Base(provider), err)
			}
			of[i] = append(of[i], s)
		}
	}
	return medians(of[0]), medians(of[1]), nil
}

func medians(starts []start) start {
	by := func(value func(start) float64) float64 {
		values := make([]float64, len(starts))
		for i, s := range starts {
			values[i] = value(s)
		}
		return median(values)
	}
	return start{
		handshake: by(func(s start) float64 { return s.handshake }),
		schema:    by(func(s start) float64 { return s.schema }),
		cpu:       by(func(s start) float64 { return s.cpu }),
		resident:  by(func(s start) float64 { return s.resident }),
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// residentOf returns a process's resident memory in megabytes; 0 on systems other
// than Linux.
func residentOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var size, pages float64
	if _, malformed := fmt.Sscan(string(text), &size, &pages); err != nil || malformed != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// cpuOf returns the CPU time of a process's threads in milliseconds; 0 on systems
// other than Linux.
func cpuOf(pid int) float64 {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is well formed
	var sum float64
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		var nanoseconds float64
		if _, malformed := fmt.Sscan(string(text), &nanoseconds); err == nil && malformed == nil {
			sum += nanoseconds
		}
	}
	return sum / 1e6
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// startOnce starts a provider as the engine does, waits for go-plugin's handshake on
// standard output, gets the provider's schema with one call, and returns what that
// took.
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
		default: // only the first line matters
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
	s.handshake, s.cpu, s.resident = milliseconds(time.Since(started)), cpuOf(cmd.Process.Pid), residentOf(cmd.Process.Pid)
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
