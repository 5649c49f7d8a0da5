#!/usr/bin/env bash
# smithy-go: a request body that is closed ends quietly when it is read, and
# with an error when it is copied.
#
# Expected: io.Copy never returns io.EOF, because the end of a source is
# not an error to it; and whether a copy goes by Read or by WriteTo makes no
# difference to what it returns.
#
# Actual behaviour (github.com/aws/smithy-go v1.28.8, transport/http, the body that
# Request.Build gives to net/http): Read of a closed body returns io.EOF, which
# is the end and no error. Its WriteTo returns io.EOF too, although a WriteTo
# without remaining data should return nil. io.Copy prefers WriteTo and returns
# the error. net/http copies bodies in this way, and again after the last byte, to
# verify that nothing follows; the SDK closes the body when it has a response. If
# the response arrives before that second copy, net/http treats the EOF as a failed
# request and closes the connection while the response is read. The reader gets "use of closed network connection". Hiding WriteTo from net/http helps.
#
# Prints the result of both ways; exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func closedBody() io.ReadCloser {
	request, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(strings.NewReader("a body"))
	if err != nil {
		panic(err)
	}
	body := request.Build(context.Background()).Body
	if err := body.Close(); err != nil {
		panic(err)
	}
	return body
}

func main() {
	_, err := io.Copy(io.Discard, closedBody())
	fmt.Printf("io.Copy of a closed body: %v\n", err)
	_, err = io.Copy(io.Discard, struct{ io.Reader }{closedBody()})
	fmt.Printf("io.Copy without WriteTo:  %v\n", err)
}
GO
cat > go.mod <<'MOD'
module example.com/body

go 1.25
MOD
go get github.com/aws/smithy-go@v1.28.8 2>/dev/null
go run . | tee seen
diff seen - <<'SEEN' || { echo "The behaviour differs from this description." >&2; exit 1; }
io.Copy of a closed body: EOF
io.Copy without WriteTo:  <nil>
SEEN
