// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package s3server runs a real S3 server for tests: on loopback, with keys that mean
// nothing anywhere else, on a directory in which tests can look at objects and change them.
package s3server

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Bucket is the only bucket there is.
const Bucket = "reports"

// The key that may do everything on the server.
const (
	AccessKey = "made-up-access-key"
	SecretKey = "made-up-secret-key"
	region    = "us-east-1"
)

const (
	buildTimeout = 8 * time.Minute
	startTimeout = 20 * time.Second
	startPoll    = 20 * time.Millisecond
	stopGrace    = 5 * time.Second
)

// Server is one S3 server. It ends with the test.
type Server struct {
	// Address is where it listens, also when it is started again.
	Address string

	t       testing.TB
	program string
	top     string
	cmd     *exec.Cmd
	said    bytes.Buffer
}

// Start builds the server if need be, and starts it.
func Start(t testing.TB) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	program, err := build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, program: program, top: t.TempDir(), Address: freeAddress(t)}
	for _, dir := range []string{s.Objects(), filepath.Join(s.top, "meta")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.Up()
	t.Cleanup(s.Down)
	return s
}

// Objects is the directory of the bucket: an object is a file below it.
func (s *Server) Objects() string { return filepath.Join(s.top, "data", Bucket) }

// Remove removes an object, past the server: its file and what the server noted of it.
func (s *Server) Remove(key string) {
	s.t.Helper()
	for _, path := range []string{filepath.Join(s.Objects(), key), filepath.Join(s.top, "meta", Bucket, key)} {
		if err := os.RemoveAll(path); err != nil {
			s.t.Fatal(err)
		}
	}
}

// URL is that of a sink in the bucket, reached at an address: the server's own, or that of
// a proxy before it.
func (s *Server) URL(address, prefix string) string {
	q := url.Values{"endpoint": {"http://" + address}, "region": {region}, "use_path_style": {"true"}}
	return "s3://" + Bucket + "/" + prefix + "?" + q.Encode()
}

// Environment is what clients need of the environment, and what shields them from this machine's.
func Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// Up starts the server, and returns when it listens.
func (s *Server) Up() {
	s.t.Helper()
	s.cmd = exec.Command(s.program, "--port", s.Address, "--access", AccessKey, "--secret", SecretKey, "--region", region,
		"--quiet", "posix", "--sidecar", filepath.Join(s.top, "meta"), filepath.Join(s.top, "data"))
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.top, &s.said, &s.said
	s.cmd.WaitDelay = stopGrace
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("starting the S3 server: %v", err)
	}
	deadline := time.Now().Add(startTimeout)
	for {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.Down()
			s.t.Fatalf("the S3 server does not listen: %v\n%s", err, &s.said)
		}
		time.Sleep(startPoll)
	}
}

// Down kills the server.
func (s *Server) Down() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait() // it was killed, which is what it says
	s.cmd = nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its address is wanted
	return l.Addr().String()
}
