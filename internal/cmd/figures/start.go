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

func startFigures(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, "."); err != nil {
		return nil, err
	}
	start, err := providerStart(ctx, filepath.Join(dir, "terraform-provider-xacct"))
	return []figure{start}, err
}

// providerStart returns the time from starting the process to its first answer,
// the median of several starts.
func providerStart(ctx context.Context, provider string) (figure, error) {
	var took []time.Duration
	for range 9 {
		d, err := startOnce(ctx, provider)
		if err != nil {
			return figure{}, fmt.Errorf("start the provider: %w", err)
		}
		took = append(took, d)
	}
	slices.Sort(took)
	return figure{what: "provider start to first response (median of 9)", value: float64(took[len(took)/2].Microseconds()) / 1000, limit: 250, unit: "ms"}, nil
}

// startOnce acts as the engine: the handshake of go-plugin on standard output,
// then one call, whose answer is the provider's schema.
func startOnce(ctx context.Context, provider string) (time.Duration, error) {
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
		return 0, err
	}
	defer process.Kill()
	var line string
	select {
	case line = <-lines:
	case <-process.Done():
		return 0, process.Wait(ctx)
	}
	// 1|6|unix|/tmp/plugin…|grpc|
	handshake := strings.Split(line, "|")
	if len(handshake) < 5 || handshake[2] != "unix" {
		return 0, fmt.Errorf("the handshake is %q", line)
	}
	connection, err := grpc.NewClient("unix:"+handshake[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	var answer emptypb.Empty // fields that it does not know are kept
	err = connection.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", &emptypb.Empty{}, &answer, grpc.MaxCallRecvMsgSize(64<<20))
	if err != nil {
		return 0, err
	}
	if len(answer.ProtoReflect().GetUnknown()) == 0 {
		return 0, fmt.Errorf("the schema is empty")
	}
	return time.Since(started), nil
}
