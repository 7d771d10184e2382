// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func TestTokensAreRenewedBeforeTheyExpire(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node-a.token")
	asked := make(chan string)
	n := 0
	s := &supervisor{log: slog.New(slog.DiscardHandler)}
	stop, err := s.keepTokens(t.Context(), []token{{file: file, request: func(ctx context.Context) (string, time.Time, error) {
		if n++; n > 1 { // what stands in the file when the next is asked for
			was, err := os.ReadFile(file)
			if err != nil {
				return "", time.Time{}, err
			}
			select {
			case asked <- string(was):
			case <-ctx.Done():
			}
		}
		return fmt.Sprint("token ", n), time.Now().Add(2 * time.Millisecond), nil
	}}})
	defer stop()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		select {
		case was := <-asked:
			if want := fmt.Sprint("token ", i+1); was != want {
				t.Errorf("the file holds %q, want %q", was, want)
			}
		case <-testContext(t).Done():
			t.Fatal("no new token was asked for")
		}
	}
}

func TestAClusterDoesNotStartWithoutTokens(t *testing.T) {
	s := &supervisor{log: slog.New(slog.DiscardHandler)}
	stop, err := s.keepTokens(t.Context(), []token{{file: filepath.Join(t.TempDir(), "t"), request: func(context.Context) (string, time.Time, error) {
		return "", time.Time{}, errors.New("no such account")
	}}})
	stop()
	if err == nil || !strings.Contains(err.Error(), "no such account") {
		t.Errorf("got %v", err)
	}
}

func TestAKubeconfigNamesTheFileOfTheToken(t *testing.T) {
	dir := t.TempDir()
	file, tokenFile := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeKubeconfig(file, &rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("ca"), CertData: []byte("the administrator's")}}, tokenFile); err != nil {
		t.Fatal(err)
	}
	got, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if got.BearerTokenFile != tokenFile || got.Host != "https://127.0.0.1:1" || string(got.CAData) != "ca" || got.CertData != nil {
		t.Errorf("got %+v", got)
	}
}
