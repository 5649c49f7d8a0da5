// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

// TokenPrefix is the prefix of every token of a token file, so that scanners for leaked
// secrets recognize tokens.
const TokenPrefix = "xacct_"

// tokenBytes is the number of random bytes of a token. 256 random bits can't be guessed,
// so a file may contain their hash without a salt.
const tokenBytes = 32

// longestTokenName is the maximum length of a token's name in bytes.
const longestTokenName = 64

// NewToken returns a new token and its line for the token file, which has only its hash.
// It returns an error if the name is not one word: the line could not be parsed, and the
// server accepts no token of a file with such a line.
func NewToken(random io.Reader, name string, scopes []Scope) (token, line string, err error) {
	unseen := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '#' }
	if name == "" || len(name) > longestTokenName || strings.ContainsFunc(name, unseen) {
		return "", "", fmt.Errorf("%q is not a name: it has 1 to %d printable characters, without spaces and #", name, longestTokenName)
	}
	drawn := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return "", "", fmt.Errorf("generate a token: %w", err)
	}
	token = TokenPrefix + hex.EncodeToString(drawn)
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	sum := sha256.Sum256([]byte(token))
	return token, fmt.Sprintf("%s %s sha256:%x", name, strings.Join(names, ","), sum), nil
}

// TokenFile authenticates callers by tokens whose hashes are in a file. A line has a
// name, comma-separated scopes and a hash. The file is read again when it has changed,
// so that removing a line revokes its token.
type TokenFile struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	checked time.Time
	changed time.Time
	size    int64
	entries []tokenEntry
}

type tokenEntry struct {
	caller Caller
	hash   [sha256.Size]byte
}

// checkInterval is how long a token that was removed may still work.
const checkInterval = 5 * time.Second

// OpenTokenFile returns a token file that was read once. It returns an error if the file
// is unreadable, malformed or empty.
func OpenTokenFile(path string, clock func() time.Time) (*TokenFile, error) {
	f := &TokenFile{path: path, now: clock}
	return f, f.read()
}

func (f *TokenFile) read() error {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("read the tokens: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read the tokens: %w", err)
	}
	entries, err := parseTokens(file)
	if err != nil {
		return fmt.Errorf("token file %s: %w", f.path, err)
	}
	f.entries, f.changed, f.size, f.checked = entries, info.ModTime(), info.Size(), f.now()
	return nil
}

func parseTokens(r io.Reader) ([]tokenEntry, error) {
	var entries []tokenEntry
	names := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		fields := strings.Fields(text)
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: want NAME SCOPES sha256:HASH, as `xacct serve token` prints it", n)
		}
		scopes, ok := ParseScopes(strings.Split(fields[1], ","))
		if !ok {
			return nil, fmt.Errorf("line %d: scopes are read, write and operate, with commas between them", n)
		}
		hash, err := hex.DecodeString(strings.TrimPrefix(fields[2], "sha256:"))
		if err != nil || len(hash) != sha256.Size || !strings.HasPrefix(fields[2], "sha256:") {
			return nil, fmt.Errorf("line %d: the third word is not sha256: and 64 hexadecimal digits; the token itself must not be in the file", n)
		}
		if names[fields[0]] {
			return nil, fmt.Errorf("line %d: there are two tokens named %s", n, fields[0])
		}
		names[fields[0]] = true
		entries = append(entries, tokenEntry{Caller{Name: fields[0], Scopes: scopes}, [sha256.Size]byte(hash)})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errors.New("it has no token: create one with `xacct serve token`")
	}
	return entries, nil
}

// Authenticate returns the caller whose token the request has, or ErrUnknownCaller. It
// compares with every hash in constant time.
func (f *TokenFile) Authenticate(r *http.Request) (Caller, error) {
	token := bearerToken(r)
	if !strings.HasPrefix(token, TokenPrefix) {
		return Caller{}, ErrUnknownCaller
	}
	entries, err := f.current()
	if err != nil {
		return Caller{}, err
	}
	sum := sha256.Sum256([]byte(token))
	found := -1
	for i, entry := range entries {
		if subtle.ConstantTimeCompare(sum[:], entry.hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Caller{}, ErrUnknownCaller
	}
	return entries[found].caller, nil
}

// current returns the tokens that are in the file now. It returns an error, so that no
// caller is admitted, if the file can't be read.
func (f *TokenFile) current() ([]tokenEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.checked) < checkInterval {
		return f.entries, nil
	}
	info, err := os.Stat(f.path)
	if err == nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
		f.checked = f.now()
		return f.entries, nil
	}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.entries, nil
}
