// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPublicAddressesAreRecognized(t *testing.T) {
	for address, want := range map[string]bool{
		"52.94.48.1": true, "3.5.140.1": true, "2600:1f18::1": true, "2a05:d000::1": true,
		"::ffff:52.94.48.1":   true,
		"64:ff9b::345e:3001":  true, // 52.94.48.1 behind NAT64
		"127.0.0.1":           false,
		"127.9.9.9":           false,
		"0.0.0.0":             false,
		"0.1.2.3":             false,
		"10.0.0.1":            false,
		"172.16.0.1":          false,
		"172.31.255.255":      false,
		"192.168.1.1":         false,
		"100.64.0.1":          false,
		"169.254.169.254":     false, // instance metadata
		"169.254.170.2":       false, // container credentials
		"192.0.0.1":           false,
		"192.0.2.1":           false,
		"198.18.0.1":          false,
		"198.51.100.7":        false,
		"203.0.113.9":         false,
		"224.0.0.1":           false,
		"240.0.0.1":           false,
		"255.255.255.255":     false,
		"::":                  false,
		"::1":                 false,
		"::ffff:127.0.0.1":    false,
		"::ffff:10.0.0.1":     false,
		"::127.0.0.1":         false, // the old IPv4-compatible form
		"fe80::1":             false,
		"fec0::1":             false,
		"fc00::1":             false,
		"fd00:ec2::254":       false, // instance metadata
		"ff02::1":             false,
		"64:ff9b::7f00:1":     false, // 127.0.0.1 behind NAT64
		"64:ff9b::a9fe:a9fe":  false, // 169.254.169.254 behind NAT64
		"64:ff9b:1::345e:301": false,
		"100::1":              false,
		"2001::1":             false,
		"2001:db8::1":         false,
		"2002:7f00:1::":       false,
		"3fff::1":             false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v", address, got)
		}
	}
	for _, address := range []string{"", "52.94.48.1", "sns.us-east-1.amazonaws.com:443", "[fe80::1%eth0]:443"} {
		if onlyPublic(t.Context(), "tcp", address, nil) == nil {
			t.Errorf("%q can be dialed", address)
		}
	}
}

func TestAPrivateNetworkIsDialedOnlyIfAllowed(t *testing.T) {
	for address, want := range map[string]bool{
		"10.0.0.1:443": true, "172.31.0.9:443": true, "192.168.1.1:443": true, "100.64.3.2:443": true,
		"[fd12:3456::1]:443": true, "[::ffff:10.0.0.1]:443": true,
		"52.94.48.1:443": true, "[2600:1f18::1]:443": true,
		"10.0.0.1:80": false, "10.0.0.1:8443": false, "[fd12:3456::1]:80": false, "52.94.48.1:80": true,
		"127.0.0.1:443": false, "[::1]:443": false, "[::ffff:127.0.0.1]:443": false, "0.0.0.0:443": false,
		"169.254.169.254:443": false, "169.254.170.2:443": false, "[fe80::1]:443": false, "[fd00:ec2::254]:443": false,
		"192.0.2.1:443": false, "224.0.0.1:443": false, "[64:ff9b::a00:1]:443": false, "sns.us-east-1.amazonaws.com:443": false,
	} {
		if got := alsoPrivate(t.Context(), "tcp", address, nil) == nil; got != want {
			t.Errorf("%s can be dialed: %t", address, got)
		}
	}
	for _, address := range []string{"10.0.0.1:443", "100.64.3.2:443", "[fd12:3456::1]:443"} {
		if onlyPublic(t.Context(), "tcp", address, nil) == nil {
			t.Errorf("%s can be dialed although private addresses are not allowed", address)
		}
	}
}

// The server exists, but listens on this machine.
func TestThisMachineIsNeverReached(t *testing.T) {
	for _, private := range []bool{false, true} {
		asked := false
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
		defer server.Close()
		_, err := New(Options{Private: private}).Do(get(t, server.URL+"/?secret"))
		if err == nil || asked || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("asked: %v, error: %v", asked, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the query: %v", err)
		}
	}
}

func TestASandboxReceivesAllConnectionsWithTheirHostNames(t *testing.T) {
	var host, path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, path = r.Host, r.URL.RequestURI()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	request := get(t, "https://sns.us-east-1.amazonaws.com/x.pem?a=b")
	response, err := New(Options{Endpoint: server.URL}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusTeapot || host != "sns.us-east-1.amazonaws.com" || path != "/x.pem?a=b" {
		t.Errorf("%s for host %q, path %q", response.Status, host, path)
	}
	if request.URL.Scheme != "https" {
		t.Error("the caller's request was changed")
	}
}

func TestOnlyALoopbackEndpointReceivesConnections(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://127.0.0.1:4566":                   "127.0.0.1:4566",
		"http://localhost:4566":                   "localhost:4566",
		"http://[::1]:4566/":                      "[::1]:4566",
		"":                                        "",
		"http://127.0.0.1":                        "",
		"https://127.0.0.1:4566":                  "",
		"http://10.0.0.1:4566":                    "",
		"http://localhost.evil.example:80":        "",
		"https://sns.us-east-1.amazonaws.com:443": "",
		"http://169.254.169.254:80":               "",
		"::not a URL":                             "",
	} {
		if got, ok := loopback(endpoint); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", endpoint, got, ok)
		}
	}
}

func TestARedirectIsReturnedAndNotFollowed(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	response, err := New(Options{Endpoint: server.URL}).Do(get(t, "https://sns.us-east-1.amazonaws.com/here"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound || len(asked) != 1 {
		t.Errorf("%s, asked for %q", response.Status, asked)
	}
}

// This checks the transport itself, because net/http reads the environment only once in a process.
func TestNoProxyIsUsed(t *testing.T) {
	for name, options := range map[string]Options{"AWS": {}, "a sandbox": {Endpoint: "http://127.0.0.1:4566"}} {
		transport, ok := New(options).client.Transport.(*http.Transport)
		if !ok || transport.Proxy != nil {
			t.Errorf("%s: a proxy would connect instead of the client, without the check of the address", name)
		}
	}
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
