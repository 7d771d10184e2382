// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/hack/s3server"
	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/sink/objectstore"
)

// TestMain lets this binary be the program as well: tests find it under its name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == sink.Program {
		os.Exit(objectstore.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const name = "team/latency/latency-node-a-1-abcdefgh.json"

// findable puts the program where sinks look for it.
func findable(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, sink.Program)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func startS3(t *testing.T) *s3server.Server {
	t.Helper()
	findable(t)
	for name, value := range s3server.Environment() {
		t.Setenv(name, value)
	}
	return s3server.Start(t)
}

func open(t *testing.T, url string) *sink.Sink {
	t.Helper()
	s, err := sink.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPut(t *testing.T, s *sink.Sink, data []byte) sink.Reference {
	t.Helper()
	ref, err := s.Put(t.Context(), name, data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// short is a context for calls that are expected to come to nothing.
func short(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("the test's limit"))
	t.Cleanup(cancel)
	return ctx
}

func TestS3(t *testing.T) {
	server := startS3(t)
	// More than the parts in which clients like to upload.
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	for title, data := range map[string][]byte{"a small report": []byte(`{"runID":"abcdefgh"}`), "one of 16 MiB": large, "an empty one": {}} {
		t.Run(title, func(t *testing.T) {
			s := open(t, server.URL(server.Address, "fleet/"+strings.ReplaceAll(title, " ", "-")))
			ref := mustPut(t, s, data)
			sum := sha256.Sum256(data)
			if want := (sink.Reference{URL: ref.URL, SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(data))}); ref != want {
				t.Errorf("reference (-want +got):\n%s", cmp.Diff(want, ref))
			}
			file := filepath.Join(server.Objects(), "fleet", strings.ReplaceAll(title, " ", "-"), name)
			if stored, err := os.ReadFile(file); err != nil || !bytes.Equal(stored, data) {
				t.Errorf("the object has %d bytes (%v), want the %d that were put", len(stored), err, len(data))
			}
			got, err := sink.Get(t.Context(), ref.URL, ref.SHA256)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("Get = %d bytes, %v; want what was put", len(got), err)
			}
			if again := mustPut(t, s, data); again != ref {
				t.Errorf("delivered twice (-first +second):\n%s", cmp.Diff(ref, again))
			}
		})
	}
}

func TestS3DoesNotOverwrite(t *testing.T) {
	server := startS3(t)
	s := open(t, server.URL(server.Address, "fleet"))
	ref := mustPut(t, s, []byte("first"))
	_, err := s.Put(t.Context(), name, []byte("second"))
	if !errors.Is(err, sink.ErrConflict) || !strings.Contains(err.Error(), "s3://reports/fleet") {
		t.Errorf("another content: %v, want ErrConflict and the sink's URL", err)
	}
	if got, err := sink.Get(t.Context(), ref.URL, ref.SHA256); err != nil || string(got) != "first" {
		t.Errorf("afterwards there is %q (%v)", got, err)
	}
}

func TestS3ObjectChangedBehindOurBack(t *testing.T) {
	server := startS3(t)
	s := open(t, server.URL(server.Address, "fleet"))
	ref := mustPut(t, s, []byte("as measured"))
	file := filepath.Join(server.Objects(), "fleet", name)
	if err := os.WriteFile(file, []byte("as wished!!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Get(t.Context(), ref.URL, ref.SHA256); !errors.Is(err, sink.ErrDigest) {
		t.Errorf("Get of a damaged object: %v, want ErrDigest", err)
	}
	server.Remove("fleet/" + name)
	if _, err := sink.Get(t.Context(), ref.URL, ref.SHA256); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of what was removed: %v, want fs.ErrNotExist", err)
	}
	other := mustPut(t, s, []byte("as wished"))
	if _, err := sink.Get(t.Context(), ref.URL, ref.SHA256); !errors.Is(err, sink.ErrDigest) || !strings.Contains(err.Error(), other.SHA256) {
		t.Errorf("Get of what was put in its place: %v, want ErrDigest and the other digest", err)
	}
}

func TestS3Refuses(t *testing.T) {
	server := startS3(t)
	for title, tc := range map[string]struct {
		env  map[string]string
		url  string
		want []string
	}{
		"a key it does not know":         {env: map[string]string{"AWS_ACCESS_KEY_ID": "nobody"}, want: []string{"check the credentials"}},
		"a secret that is not the key's": {env: map[string]string{"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, want: []string{"check the credentials"}},
		"somebody without a key":         {env: map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, want: []string{"no credentials were found", "AWS_ACCESS_KEY_ID"}},
		"a bucket that is not there": {
			url:  strings.Replace(server.URL(server.Address, "fleet"), "s3://reports/", "s3://elsewhere/", 1),
			want: []string{"no such bucket"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			url := server.URL(server.Address, "fleet")
			if tc.url != "" {
				url = tc.url
			}
			_, err := open(t, url).Put(short(t, 20*time.Second), name, []byte("x"))
			if err == nil {
				t.Fatal("Put succeeded")
			}
			for _, want := range append(tc.want, name, "s3://") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "not-the-secret") {
				t.Errorf("error %q repeats the secret", err)
			}
			if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 1500 {
				t.Errorf("error %q is not one line of some length", err)
			}
		})
	}
}

func TestS3GoneAndBack(t *testing.T) {
	server := startS3(t)
	s := open(t, server.URL(server.Address, "fleet"))
	server.Down()
	_, err := s.Put(short(t, 30*time.Second), name, []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "reaches the object store") {
		t.Errorf("Put without a server: %v, want what to do", err)
	}
	server.Up()
	ref := mustPut(t, s, []byte("x"))
	if _, err := sink.Get(t.Context(), ref.URL, ref.SHA256); err != nil {
		t.Error(err)
	}
}

// TestS3GoneInTheMiddle breaks the connection after some of the report has gone through.
func TestS3GoneInTheMiddle(t *testing.T) {
	server := startS3(t)
	data := bytes.Repeat([]byte("x"), 8<<20)
	p := proxy(t, server.Address, func(client, upstream net.Conn) {
		_, _ = io.CopyN(upstream, client, 1<<20)
	})
	_, err := open(t, server.URL(p, "fleet")).Put(short(t, 30*time.Second), name, data)
	if err == nil {
		t.Fatal("Put over a connection that breaks succeeded")
	}
	if _, err := os.Stat(filepath.Join(server.Objects(), "fleet", name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half an object is there (%v)", err)
	}
	mustPut(t, open(t, server.URL(server.Address, "fleet")), data)
}

func TestS3Slow(t *testing.T) {
	server := startS3(t)
	t.Run("slower than the caller has time for", func(t *testing.T) {
		p := proxy(t, server.Address, func(client, _ net.Conn) {
			_, _ = io.Copy(io.Discard, client) // takes all, answers nothing
		})
		began := time.Now()
		_, err := open(t, server.URL(p, "fleet")).Put(short(t, time.Second), name, []byte("x"))
		if err == nil || !strings.Contains(err.Error(), "does not answer: the test's limit") {
			t.Errorf("Put = %v, want that the store does not answer", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("slow, but in time", func(t *testing.T) {
		const delay = 300 * time.Millisecond
		p := proxy(t, server.Address, func(client, upstream net.Conn) {
			<-time.After(delay)
			go func() { _, _ = io.Copy(upstream, client) }() // ends with the connections
			_, _ = io.Copy(client, upstream)
		})
		s := open(t, server.URL(p, "fleet"))
		ref := mustPut(t, s, []byte("x"))
		if _, err := sink.Get(t.Context(), ref.URL, ref.SHA256); err != nil {
			t.Error(err)
		}
	})
}

// proxy listens before a server. What it does with a connection ends both.
func proxy(t *testing.T, server string, serve func(client, upstream net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				serve(client, upstream)
				_ = client.Close()
				_ = upstream.Close()
			}()
		}
	}()
	return l.Addr().String()
}
