// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"xacct-sandbox": func() { os.Exit(Run("test")) }})
}

// TestCommands runs the scripts of testdata/script, each with its own sandbox at
// AWS_ENDPOINT_URL.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			box, err := sandbox.Start()
			if err != nil {
				return err
			}
			env.Defer(func() { _ = box.Close() })
			env.Values[boxKey{}] = box
			env.Setenv("AWS_ENDPOINT_URL", box.URL())
			env.Setenv("TEMPLATES", "https://"+bucket+".s3.us-east-1.amazonaws.com/")
			env.Setenv("LAUNCH", home+"us-east-1#/stacks/create/review?stackName=access&templateURL=")
			env.Setenv("UPDATE", home+"us-east-1#/stacks/update/template?stackId=")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"publish": publish, "capture": capture},
	})
}

const (
	home   = "https://console.aws.amazon.com/cloudformation/home?region="
	bucket = "the-customers-own"
)

type boxKey struct{}

// publish FILE... uploads templates to a bucket that the customer of account
// 222222222222 can read, under $TEMPLATES.
func publish(ts *testscript.TestScript, _ bool, files []string) {
	texts := map[string]string{}
	for _, file := range files {
		texts[file] = ts.ReadFile(file)
	}
	ts.Check(upload(ts.Value(boxKey{}).(*sandbox.Sandbox), texts))
}

// upload is publish for files in memory.
func upload(box *sandbox.Sandbox, files map[string]string) error {
	ctx := context.Background()
	keys, err := box.Credentials("222222222222")
	if err != nil {
		return err
	}
	client := s3.New(s3.Options{
		Region: "us-east-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(box.URL()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	if _, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	for name, text := range files {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &name, Body: strings.NewReader(text)}); err != nil {
			return err
		}
	}
	return nil
}

// capture VARIABLE stores the first line that the last command printed.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	first, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	ts.Setenv(args[0], first)
}

func TestASandboxServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	printed, out := io.Pipe()
	cmd := newRootCommand("test")
	cmd.SetArgs([]string{"serve", "--listen", "127.0.0.1:0", "--region", "eu-central-1"})
	cmd.SetOut(out)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		_ = out.Close()
	}()
	exported := map[string]string{}
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		if name, value, found := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); found {
			exported[name] = value
		}
		if strings.Contains(lines.Text(), "Ctrl-C") {
			stop()
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if exported["AWS_REGION"] != "eu-central-1" || !strings.HasPrefix(exported["AWS_ENDPOINT_URL"], "http://127.0.0.1:") {
		t.Errorf("exported %v", exported)
	}
}
